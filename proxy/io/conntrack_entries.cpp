#include "proxy/io/conntrack_entries.h"

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace ftpscope {

namespace {

struct DestroyConntrack {
  void operator()(nf_conntrack* entry) const { nfct_destroy(entry); }
};
using Conntrack = std::unique_ptr<nf_conntrack, DestroyConntrack>;

struct Attributes {
  nf_conntrack_attr v4;
  nf_conntrack_attr v6;
  nf_conntrack_attr port;
};
constexpr Attributes kFrom{ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC, ATTR_ORIG_PORT_SRC};
constexpr Attributes kTo{ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST, ATTR_ORIG_PORT_DST};
constexpr Attributes kAnswerFrom{ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV6_SRC, ATTR_REPL_PORT_SRC};
constexpr Attributes kAnswerTo{ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_DST, ATTR_REPL_PORT_DST};

void set(nf_conntrack* entry, const Attributes& attributes, const Endpoint& endpoint) {
  nfct_set_attr(entry, endpoint.ip.v6 ? attributes.v6 : attributes.v4, endpoint.ip.bytes.data());
  nfct_set_attr_u16(entry, attributes.port, htons(endpoint.port));
}

Endpoint get(const nf_conntrack* entry, const Attributes& attributes, bool v6) {
  Endpoint endpoint;
  endpoint.ip.v6 = v6;
  const auto* bytes =
      static_cast<const std::uint8_t*>(nfct_get_attr(entry, v6 ? attributes.v6 : attributes.v4));
  constexpr std::size_t kV4 = 4;
  if (bytes) std::copy_n(bytes, v6 ? endpoint.ip.bytes.size() : kV4, endpoint.ip.bytes.begin());
  endpoint.port = ntohs(nfct_get_attr_u16(entry, attributes.port));
  return endpoint;
}

Conntrack entry_of(const Leg& connection) {
  Conntrack entry(nfct_new());
  const bool v6 = connection.from.ip.v6;
  nfct_set_attr_u8(entry.get(), ATTR_L3PROTO, v6 ? AF_INET6 : AF_INET);
  nfct_set_attr_u8(entry.get(), ATTR_L4PROTO, IPPROTO_TCP);
  set(entry.get(), kFrom, connection.from);
  set(entry.get(), kTo, connection.to);
  return entry;
}

ConntrackEntries::State state_of(const nf_conntrack* entry) {
  using enum ConntrackEntries::State;
  switch (nfct_get_attr_u8(entry, ATTR_TCP_STATE)) {
    case TCP_CONNTRACK_TIME_WAIT: return closed;
    case TCP_CONNTRACK_CLOSE: return reset;
    default: return open;
  }
}

ConntrackEntries::Entry read(const nf_conntrack* entry) {
  const bool v6 = nfct_get_attr_u8(entry, ATTR_L3PROTO) == AF_INET6;
  return {{get(entry, kAnswerFrom, v6), get(entry, kAnswerTo, v6)},
          {PacketTotals{nfct_get_attr_u64(entry, ATTR_ORIG_COUNTER_PACKETS),
                        nfct_get_attr_u64(entry, ATTR_ORIG_COUNTER_BYTES)},
           PacketTotals{nfct_get_attr_u64(entry, ATTR_REPL_COUNTER_PACKETS),
                        nfct_get_attr_u64(entry, ATTR_REPL_COUNTER_BYTES)}},
          state_of(entry)};
}

// Off by default in Linux. It is the machine's setting, for connections that begin from now on; it
// costs little, others may rely on it by then, and it stays on.
bool count_bytes() {
  constexpr auto kSetting = "/proc/sys/net/netfilter/nf_conntrack_acct";
  char value = '0';
  if (std::ifstream(kSetting) >> value && value == '1') return true;
  std::ofstream setting(kSetting);
  return (setting << '1' << std::flush).good();
}

}  // namespace

void ConntrackEntries::Close::operator()(nfct_handle* handle) const { nfct_close(handle); }

std::expected<std::unique_ptr<ConntrackEntries>, std::string> ConntrackEntries::open() {
  Handle handle(nfct_open(CONNTRACK, 0));
  if (!handle) return std::unexpected(std::string("no conntrack: ") + std::strerror(errno));
  if (!count_bytes()) {
    return std::unexpected(
        "conntrack does not count bytes, and the setting cannot be changed "
        "(sysctl net.netfilter.nf_conntrack_acct=1)");
  }
  return std::unique_ptr<ConntrackEntries>(new ConntrackEntries(std::move(handle)));
}

std::optional<ConntrackEntries::Entry> ConntrackEntries::find(const Leg& connection) const {
  std::optional<Entry> found;
  const auto take = [](nf_conntrack_msg_type, nf_conntrack* entry, void* result) -> int {
    *static_cast<std::optional<Entry>*>(result) = read(entry);
    return NFCT_CB_CONTINUE;
  };
  nfct_callback_register(handle_.get(), NFCT_T_ALL, take, &found);
  nfct_query(handle_.get(), NFCT_Q_GET, entry_of(connection).get());
  nfct_callback_unregister(handle_.get());
  return found;
}

void ConntrackEntries::forget(const Leg& connection) const {
  nfct_query(handle_.get(), NFCT_Q_DESTROY, entry_of(connection).get());
}

}  // namespace ftpscope
