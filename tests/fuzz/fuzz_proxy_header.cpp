// The PROXY protocol's reader. Input: a byte for the version, 37 for two endpoints, then the first
// bytes of a connection.
#include "analyzer/proxy_header.h"

#include <array>

#include "tests/fuzz/check.h"

namespace ftpscope::fuzz {
namespace {

using State = ProxyHeaderReading::State;

bool same(const Leg& a, const Leg& b) { return a.from == b.from && a.to == b.to; }

// Whatever has been said of some bytes stays true with more behind them.
void check_cuts(std::string_view bytes) {
  const auto all = read_proxy_header(bytes);
  check(all.size <= bytes.size() && all.size <= kProxyHeaderV2Max, "a header has a limit");
  check((all.state == State::malformed) == !all.why.empty(), "what is malformed has a reason");
  const auto most = std::min(bytes.size(), kProxyHeaderV2Max);
  check(all.state != State::more || bytes.size() < kProxyHeaderV2Max, "it does not wait for ever");
  for (std::size_t cut = 0; cut <= most; ++cut) {
    const auto reading = read_proxy_header(bytes.substr(0, cut));
    if (reading.state == State::more) continue;
    check(reading.state == all.state && reading.size == all.size && reading.why == all.why,
          "no cut makes a difference", bytes);
  }
}

void check_round_trip(ProxyVersion version, const Leg& connection) {
  const auto bytes = proxy_header(version, connection);
  check(bytes.size() <= kProxyHeaderV1Max, "what is written fits", bytes);
  const auto reading = read_proxy_header(bytes + "220 ");
  check(reading.state == State::complete && reading.size == bytes.size(), "it is whole", bytes);
  check(reading.header.version == version && reading.header.connection &&
            same(*reading.header.connection, connection),
        "what is written is read again", bytes);
}

Endpoint take_endpoint(Input& input, bool v6) {
  std::array<std::uint8_t, 16> bytes{};
  for (auto& byte : bytes) byte = input.byte();
  const auto ip =
      v6 ? IpAddress::from_v6_bytes(bytes) : IpAddress::v4(bytes[0], bytes[1], bytes[2], bytes[3]);
  return {ip, static_cast<std::uint16_t>(input.number(2))};
}

}  // namespace
}  // namespace ftpscope::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ftpscope;
  using namespace ftpscope::fuzz;
  Input input(data, size);
  const auto choice = input.byte();
  const auto from = take_endpoint(input, (choice & 2U) != 0);
  const auto to = take_endpoint(input, (choice & 4U) != 0);
  check_round_trip((choice & 1U) != 0 ? ProxyVersion::v2 : ProxyVersion::v1, {from, to});
  check_cuts(input.rest());
  return 0;
}
