#include "proxy/io/nft_expectations.h"

#include <nftables/libnftables.h>

#include <utility>

namespace ftpscope {

namespace {

// What is looked up, and what is found. The first packet of a connection is looked up by where it
// comes from and goes to, then, on its way out, by the same as conntrack has kept it.
constexpr std::string_view kMaps = R"(
  map target4 { type ipv4_addr . ipv4_addr . inet_service : ipv4_addr . inet_service; flags timeout; }
  map target6 { type ipv6_addr . ipv6_addr . inet_service : ipv6_addr . inet_service; flags timeout; }
  map source4 { type ipv4_addr . ipv4_addr . inet_service : ipv4_addr; flags timeout; }
  map source6 { type ipv6_addr . ipv6_addr . inet_service : ipv6_addr; flags timeout; }
)";

// Before the rules that people write, which are at dstnat and srcnat.
constexpr std::string_view kTranslation = R"(
  chain to_target {
    type nat hook prerouting priority dstnat - 5; policy accept;
    dnat ip to ip saddr . ip daddr . tcp dport map @target4
    dnat ip6 to ip6 saddr . ip6 daddr . tcp dport map @target6
  }
  chain from_us {
    type nat hook postrouting priority srcnat - 5; policy accept;
    meta l4proto tcp snat ip to ct original ip saddr . ct original ip daddr . ct original proto-dst map @source4
    meta l4proto tcp snat ip6 to ct original ip6 saddr . ct original ip6 daddr . ct original proto-dst map @source6
  }
)";

// Seen as on the wire, before any translation.
std::string watching(const NftExpectations::Watch& watch) {
  const auto [low, high] = watch.ports;
  const auto ports = std::to_string(low) + (low < high ? "-" + std::to_string(high) : "");
  const auto log = " log group " + std::to_string(watch.group) + " snaplen 128\n";
  return "chain watch {\n"
         "type filter hook prerouting priority mangle - 5; policy accept;\n"
         "tcp flags & (fin|syn|rst) == 0 return\n"
         "ct direction original tcp dport " +
         ports + " fib daddr type local" + log +
         "meta l4proto tcp ct direction reply ct status dnat ct original proto-dst " + ports + log +
         "}\n";
}

struct Maps {
  std::string_view target;
  std::string_view source;
};

Maps maps_for(const NftExpectation& expectation) {
  return expectation.here.ip.v6 ? Maps{"target6", "source6"} : Maps{"target4", "source4"};
}

std::string key_of(const NftExpectation& expectation) {
  return to_text(expectation.peer) + " . " + to_text(expectation.here.ip) + " . " +
         std::to_string(expectation.here.port);
}

// The first line; the lines below it repeat the commands.
std::string first_line(const char* text) {
  const std::string_view all = text ? text : "";
  return std::string(all.substr(0, all.find('\n')));
}

}  // namespace

void NftExpectations::FreeContext::operator()(nft_ctx* context) const { nft_ctx_free(context); }

NftExpectations::NftExpectations(Context context, std::string table)
    : context_(std::move(context)), table_(std::move(table)) {}

NftExpectations::~NftExpectations() = default;

// Empty: done.
std::string NftExpectations::run(nft_ctx* context, const std::string& commands) {
  if (nft_run_cmd_from_buffer(context, commands.c_str()) == 0) return {};
  const auto said = first_line(nft_ctx_get_error_buffer(context));
  return said.empty() ? "nftables refused" : said;
}

std::expected<std::unique_ptr<NftExpectations>, std::string> NftExpectations::open(
    const Watch& watch) {
  Context context(nft_ctx_new(NFT_CTX_DEFAULT));
  if (!context) return std::unexpected("libnftables cannot be used");
  nft_ctx_buffer_output(context.get());
  nft_ctx_buffer_error(context.get());
  std::string why;
  for (int i = 1; i <= kTablesMax; ++i) {
    auto table = i == 1 ? std::string("ftpscope") : "ftpscope-" + std::to_string(i);
    // A table of this name that is another's, or has no owner, makes this fail as a whole.
    why = run(context.get(), "table inet " + table + " {\nflags owner\n" + std::string(kMaps) +
                                 std::string(kTranslation) + watching(watch) + "}\n");
    if (why.empty()) {
      return std::unique_ptr<NftExpectations>(
          new NftExpectations(std::move(context), std::move(table)));
    }
  }
  return std::unexpected(why);
}

bool NftExpectations::add(const NftExpectation& expectation, std::chrono::seconds lifetime) {
  const auto maps = maps_for(expectation);
  const auto element = [&](std::string_view map, const std::string& found) {
    return "add element inet " + table_ + " " + std::string(map) + " { " + key_of(expectation) +
           " timeout " + std::to_string(lifetime.count()) + "s : " + found + " }\n";
  };
  const auto target =
      to_text(expectation.target.ip) + " . " + std::to_string(expectation.target.port);
  return run(context_.get(),
             element(maps.target, target) + element(maps.source, to_text(expectation.as)))
      .empty();
}

// One that the kernel has forgotten already is an error that means nothing.
void NftExpectations::remove(const NftExpectation& expectation) {
  const auto maps = maps_for(expectation);
  const auto element = [&](std::string_view map) {
    return "delete element inet " + table_ + " " + std::string(map) + " { " + key_of(expectation) +
           " }\n";
  };
  static_cast<void>(run(context_.get(), element(maps.target) + element(maps.source)));
}

}  // namespace ftpscope
