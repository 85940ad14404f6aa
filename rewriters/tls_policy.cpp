#include "rewriters/tls_policy.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace ftpscope {

namespace {

// PBSZ and PROT mean nothing without AUTH (RFC 4217 8, 9); CCC ends what AUTH began.
constexpr auto kTlsFeatures = std::to_array<std::string_view>({"AUTH", "PBSZ", "PROT", "CCC"});

// A feature line is indented by one blank (RFC 2389 3.2), by four, or starts with "211-" again.
bool promises_tls(std::string_view line) {
  if (line.starts_with("211-")) line.remove_prefix(4);
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const auto word = line.substr(0, line.find_first_of(" \r\n;"));
  return std::ranges::any_of(kTlsFeatures, [word](std::string_view feature) {
    return std::ranges::equal(
        word, feature, [](unsigned char a, unsigned char b) { return std::toupper(a) == b; });
  });
}

}  // namespace

std::string_view name_of(Tls tls) { return tls == Tls::pass ? "pass" : "refuse"; }

CommandVerdict TlsPolicy::on_command(const Command& command, const SessionState&) const {
  if (tls_ == Tls::pass || command.meaning() != Meaning::authenticate) return {};
  return {Answer{"534 TLS is switched off in this proxy.\r\n"}, Note{FindingId::tls_refused, {}},
          "--tls refuse"};
}

ReplyVerdict TlsPolicy::on_reply(const Reply& reply, const PendingCommand* answered,
                                 const SessionState&) const {
  if (tls_ == Tls::pass || !answered || answered->meaning() != Meaning::features) return {};
  std::string kept;
  auto raw = reply.raw;
  while (!raw.empty()) {
    const auto line = raw.substr(0, raw.find('\n') == raw.npos ? raw.npos : raw.find('\n') + 1);
    if (!promises_tls(line)) kept.append(line);
    raw.remove_prefix(line.size());
  }
  if (kept.size() == reply.raw.size()) return {};
  return {Replace{std::move(kept)}, "--tls refuse: FEAT promises only what works"};
}

}  // namespace ftpscope
