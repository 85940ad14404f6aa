#include "analyzer/transfer.h"

#include <algorithm>
#include <charconv>
#include <functional>

namespace ftpscope {

PathKey path_key(const record::Command& command) {
  if (!command.argument || command.argument->empty() || command.redacted) return std::nullopt;
  return std::hash<std::string_view>{}(*command.argument);
}

bool Transfer::of_a_file() const {
  return verb->name == "RETR" || verb->meaning == Meaning::upload;
}

void KnownSizes::remember(const Entry& entry) {
  forget(entry.path);
  entries_[next_] = entry;
  entries_[next_].used = true;
  next_ = (next_ + 1) % entries_.size();
}

std::optional<KnownSizes::Entry> KnownSizes::find(PathKey path) const {
  const auto found = std::ranges::find_if(
      entries_, [path](const Entry& entry) { return entry.used && path == entry.path; });
  return found == entries_.end() ? std::nullopt : std::optional(*found);
}

void KnownSizes::forget(PathKey path) {
  for (auto& entry : entries_) {
    if (path == entry.path) entry.used = false;
  }
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  constexpr std::size_t kDigitsMax = 18;  // a count of bytes that fits with room to add
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (!whole || text.size() > kDigitsMax) return std::nullopt;
  return count;
}

std::optional<std::uint64_t> size_in_reply(std::span<const std::string_view> lines) {
  constexpr std::string_view kCode = "213 ";
  if (lines.size() != 1 || !lines[0].starts_with(kCode)) return std::nullopt;
  return parse_count(lines[0].substr(kCode.size()));
}

std::optional<std::uint64_t> announced_size(std::span<const std::string_view> lines) {
  constexpr std::string_view kUnit = " bytes)";
  const auto alike = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  for (const auto line : lines) {
    const auto unit = std::ranges::search(line, kUnit, alike);
    const auto before = line.substr(0, static_cast<std::size_t>(unit.begin() - line.begin()));
    const auto open = before.rfind('(');
    if (unit.empty() || open == before.npos) continue;
    if (const auto size = parse_count(before.substr(open + 1))) return size;
  }
  return std::nullopt;
}

}  // namespace ftpscope
