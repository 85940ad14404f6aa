#include "proxy/state_answers.h"

#include <algorithm>

#include "analyzer/report_text.h"
#include "proxy/replay_place.h"

namespace ftpscope {

namespace {

std::string folder_answer(std::string_view folder) {
  std::string quoted;
  for (const char c : printable(folder)) quoted += c == '"' ? std::string("\"\"") : std::string{c};
  return "257 \"" + quoted + "\"";
}

// As far as a whole download of that file is recorded.
std::string size_answer(const Command& command, const ReplayPlace& place,
                        const ReplayScript& script) {
  const auto key = place.key("RETR", command.argument, ReplayPlace::Precision::any_offset);
  const auto found = script.by_state.find(key);
  if (found == script.by_state.end()) return {};
  for (const auto index : found->second) {
    const auto& exchange = script.exchanges[index];
    const auto* reply = exchange.final_reply();
    const bool whole = exchange.payload && reply && *reply->code < 300;
    if (whole) return "213 " + std::to_string(exchange.offset + exchange.payload->bytes);
  }
  return {};
}

bool is_number(std::string_view text) {
  constexpr std::size_t kDigitsMax = 19;
  return !text.empty() && text.size() <= kDigitsMax &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string state_answer(const Command& command, const ReplayPlace& place,
                         const ReplayScript& script) {
  const auto verb = command.name;
  if (verb == "PWD" || verb == "XPWD") return folder_answer(place.folder());
  if (verb == "CDUP" || verb == "XCUP") return "250 One up.";
  if (verb == "SIZE") return size_answer(command, place, script);
  if (verb == "REST" && is_number(command.argument)) return "350 From there.";
  const bool change = verb == "CWD" || verb == "XCWD";
  const auto path = change ? place.path_of(command.argument) : std::string{};
  const bool known = path == "/" || path == script.home || script.folders.contains(path);
  return change && known ? "250 There." : "";
}

}  // namespace ftpscope
