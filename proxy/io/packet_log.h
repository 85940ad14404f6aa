// Copies of single packets that an nftables rule sends us (`log group N`, nfnetlink_log): the first
// and last segments of data connections that the kernel translates. Knows nothing of these.
#pragma once

#include <libmnl/libmnl.h>

#include <array>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "analyzer/packet.h"
#include "proxy/io/uv_ptr.h"

namespace ftpscope {

class PacketLog {
 public:
  using Take = std::function<void(const TcpSegment&)>;

  // The error is a sentence's end.
  static std::expected<std::unique_ptr<PacketLog>, std::string> open(uv_loop_t* loop, Take take);
  PacketLog(const PacketLog&) = delete;
  PacketLog& operator=(const PacketLog&) = delete;
  ~PacketLog();

  [[nodiscard]] std::uint16_t group() const { return group_; }
  // Hands over what has come, now. The loop does the same by itself. Packets may be missing when
  // more came than the socket's buffer holds.
  void read();
  // The loop's handle; no packets after it.
  void close() { poll_.reset(); }

 private:
  static constexpr std::size_t kBuffer = 65536;
  static constexpr int kSocketBuffer = 8 << 20;  // some 10,000 packets
  static constexpr int kGroupsTried = 64;
  static constexpr int kAtOnce = 4096;  // packets, then the loop gets its turn

  struct CloseSocket {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };

  explicit PacketLog(Take take) : take_(std::move(take)) {}
  [[nodiscard]] bool bind(std::uint16_t group);
  void on_message(const nlmsghdr* message);
  void on_packet(std::string_view bytes);

  Take take_;
  std::unique_ptr<mnl_socket, CloseSocket> socket_;
  UvPtr<uv_poll_t> poll_;
  std::uint16_t group_ = 0;
  alignas(nlmsghdr) std::array<char, kBuffer> buffer_{};
};

}  // namespace ftpscope
