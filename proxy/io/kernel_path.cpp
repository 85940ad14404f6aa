#include "proxy/io/kernel_path.h"

#include <ifaddrs.h>

#include <algorithm>
#include <fstream>

#include "proxy/io/kernel_channel.h"
#include "proxy/io/socket_address.h"

namespace ftpscope {

namespace {

// The ports that bind() and connect() choose from (ip(7)).
PortRange ephemeral_ports() {
  PortRange ports{32768, 60999};
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> ports.low >> ports.high;
  return ports;
}

bool forwards(bool v6) {
  char value = '0';
  std::ifstream(v6 ? "/proc/sys/net/ipv6/conf/all/forwarding" : "/proc/sys/net/ipv4/ip_forward") >>
      value;
  return value != '0';
}

class OwnAddresses {
 public:
  OwnAddresses() {
    if (getifaddrs(&list_) != 0) list_ = nullptr;
  }
  OwnAddresses(const OwnAddresses&) = delete;
  OwnAddresses& operator=(const OwnAddresses&) = delete;
  ~OwnAddresses() { freeifaddrs(list_); }

  [[nodiscard]] bool have(const IpAddress& ip) const {
    for (const auto* entry = list_; entry; entry = entry->ifa_next) {
      if (entry->ifa_addr && to_endpoint(entry->ifa_addr).ip == ip) return true;
    }
    return false;
  }

 private:
  ifaddrs* list_ = nullptr;
};

bool can_be_routed(const IpAddress& ip) {
  const auto scope = scope_of(ip);
  return scope == Scope::global || scope == Scope::site;
}

}  // namespace

KernelPath::KernelPath(uv_loop_t* loop, const PortRange& ports) : problem_(start(loop, ports)) {}

KernelPath::~KernelPath() = default;

// What was wrong, or nothing.
std::string KernelPath::start(uv_loop_t* loop, PortRange ports) {
  if (ports.low == 0) ports = ephemeral_ports();
  auto packets = PacketLog::open(loop, [this](const TcpSegment& segment) { on_segment(segment); });
  if (!packets) return packets.error();
  auto expectations = NftExpectations::open({(*packets)->group(), ports});
  if (!expectations) return "no nftables table: " + expectations.error();
  auto entries = ConntrackEntries::open();  // behind the table, which brings the module
  if (!entries) return entries.error();
  packets_ = std::move(*packets);
  expectations_ = std::move(*expectations);
  entries_ = std::move(*entries);
  return {};
}

std::string_view KernelPath::obstacle(const NftExpectation& expectation) const {
  if (!problem_.empty()) return problem_;
  const auto& [peer, here, target, as] = expectation;
  if (peer.v6 != target.ip.v6) return "one side has IPv4 and the other IPv6";
  for (const auto& ip : {peer, here.ip, target.ip, as}) {
    if (!can_be_routed(ip)) return "a loopback or link-local address is not routed";
  }
  const OwnAddresses own;
  if (own.have(peer) || own.have(target.ip)) return "client or server is on this machine";
  if (!own.have(here.ip) || !own.have(as)) return "the address is not of this machine";
  if (!forwards(peer.v6)) {
    return peer.v6 ? "this machine does not forward (sysctl net.ipv6.conf.all.forwarding=1)"
                   : "this machine does not forward (sysctl net.ipv4.ip_forward=1)";
  }
  return {};
}

int KernelPath::random_port(const PortRange& ports) {
  return std::uniform_int_distribution<int>(ports.low, ports.high)(random_);
}

void KernelPath::enlist(const NftExpectation& expectation, KernelChannel& channel) {
  by_port_[expectation.here] = &channel;
  by_target_[expectation.target].insert(&channel);
}

void KernelPath::delist(const NftExpectation& expectation, KernelChannel& channel) {
  by_port_.erase(expectation.here);
  const auto found = by_target_.find(expectation.target);
  found->second.erase(&channel);
  if (found->second.empty()) by_target_.erase(found);
}

// Most segments at our ports are nobody's: a scanner's, or of the relay.
void KernelPath::on_segment(const TcpSegment& segment) {
  if (const auto found = by_port_.find(segment.to); found != by_port_.end()) {
    found->second->on_peer(segment);
    return;
  }
  const auto candidates = by_target_.find(segment.from);
  if (candidates == by_target_.end()) return;
  const auto owner = std::ranges::find_if(
      candidates->second, [&](KernelChannel* channel) { return channel->is_answered_by(segment); });
  if (owner != candidates->second.end()) (*owner)->on_target(segment);
}

void KernelPath::catch_up() {
  if (packets_) packets_->read();
}

void KernelPath::close() {
  if (packets_) packets_->close();
}

}  // namespace ftpscope
