#include "rewriters/feature_filter.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace ftpscope {

namespace {

// PBSZ and PROT mean nothing without AUTH (RFC 4217 8, 9); CCC ends what AUTH began.
constexpr auto kOfTls = std::to_array<std::string_view>({"AUTH", "PBSZ", "PROT", "CCC"});
// What a client finds behind the proxy's translation (RFC 2428).
constexpr auto kAdded = std::to_array<std::string_view>({"EPRT", "EPSV"});

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

// A feature line is indented by one blank (RFC 2389 3.2), by four, or starts with "211-" again.
std::string feature_of(std::string_view line) {
  if (line.starts_with("211-")) line.remove_prefix(4);
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  std::string word(line.substr(0, line.find_first_of(" \r\n;")));
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return std::toupper(c); });
  return word;
}

std::string_view take_line(std::string_view& raw) {
  const auto end = raw.find('\n');
  const auto line = raw.substr(0, end == raw.npos ? raw.npos : end + 1);
  raw.remove_prefix(line.size());
  return line;
}

}  // namespace

bool FeatureFilter::keeps(std::string_view feature, const SessionState& state) const {
  if (tls_ == Tls::refuse && is_one_of(feature, kOfTls)) return false;
  if (!translates(wish_, state)) return true;
  // SPSV (Pure-FTPd's passive mode on one port) is no set-up that we know; and a 227 has no room
  // for the address at which an IPv6 client reaches us.
  return feature != "SPSV" && !(feature == "PASV" && state.client_ip.v6);
}

std::string_view FeatureFilter::why(const SessionState& state) const {
  if (!translates(wish_, state)) return "--tls refuse: FEAT promises only what works";
  if (wish_ != ServerData::same) return "--server-data: FEAT promises what works then";
  return "different address families: FEAT promises what works then";
}

ReplyVerdict FeatureFilter::on_reply(const Reply& reply, const PendingCommand* answered,
                                     const SessionState& state) const {
  if (!answered || answered->meaning() != Meaning::features || reply.code != 211) return {};
  if (!applies(state)) return {};
  auto raw = reply.raw;
  const bool several = reply.lines.size() > 1;
  std::string kept(several ? take_line(raw) : "211-Features:\r\n");
  auto missing = translates(wish_, state) ? std::span(kAdded) : std::span<const std::string_view>();
  std::string added;
  for (const auto name : missing) {
    const auto is_it = [&](std::string_view line) { return feature_of(line) == name; };
    if (!std::ranges::any_of(reply.lines, is_it)) added.append(" ").append(name).append("\r\n");
  }
  std::string last;
  while (!raw.empty()) {
    const auto line = take_line(raw);
    kept.append(last);
    last = keeps(feature_of(line), state) ? line : "";
  }
  if (!several && added.empty()) return {};
  kept.append(added).append(last);
  if (kept == reply.raw) return {};
  return {Replace{std::move(kept)}, why(state)};
}

}  // namespace ftpscope
