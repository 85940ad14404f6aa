// Data connections that the kernel translates and that never enter this process (--data-path
// kernel): what all of them share. The expectations in nftables, the copies of their first and last
// segments, conntrack's counts; and which segment belongs to which channel.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>

#include "proxy/io/conntrack_entries.h"
#include "proxy/io/nft_expectations.h"
#include "proxy/io/packet_log.h"

namespace ftpscope {

class KernelChannel;

class KernelPath {
 public:
  // `ports`: of --data-ports; low 0: those that the kernel gives out.
  KernelPath(uv_loop_t* loop, const PortRange& ports);
  KernelPath(const KernelPath&) = delete;
  KernelPath& operator=(const KernelPath&) = delete;
  ~KernelPath();

  // Empty: it works. Else what is missing on this machine, and every channel is relayed.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  // Empty: the kernel can translate this one. Else why not: a literal, or problem().
  [[nodiscard]] std::string_view obstacle(const NftExpectation& expectation) const;

  // Which port is next cannot be guessed (RFC 2577 8).
  [[nodiscard]] int random_port(const PortRange& ports);

  [[nodiscard]] NftExpectations& expectations() { return *expectations_; }
  [[nodiscard]] const ConntrackEntries& entries() const { return *entries_; }

  // Segments to `expectation.here` and from `expectation.target` are this channel's.
  void enlist(const NftExpectation& expectation, KernelChannel& channel);
  void delist(const NftExpectation& expectation, KernelChannel& channel);

  // What the kernel has told by now is handled before this returns. So what is read afterwards from
  // a control connection is younger: a 226 does not overtake the end of its data. A session without
  // a channel does not need that, and pays for no system call.
  void catch_up();
  void close();

 private:
  [[nodiscard]] std::string start(uv_loop_t* loop, PortRange ports);
  void on_segment(const TcpSegment& segment);

  std::unique_ptr<PacketLog> packets_;
  std::unique_ptr<NftExpectations> expectations_;
  std::unique_ptr<ConntrackEntries> entries_;
  std::string problem_;
  std::random_device random_;
  std::map<Endpoint, KernelChannel*> by_port_;
  std::map<Endpoint, std::set<KernelChannel*>> by_target_;
};

}  // namespace ftpscope
