#include "proxy/script_cursor.h"

#include <algorithm>
#include <span>

namespace ftpscope {

namespace {

// Who logs in is the client's affair, and under which name it knows the server.
bool may_be_any(const Command& command) {
  return command.meaning() == Meaning::user || command.meaning() == Meaning::password ||
         command.name == "HOST";
}

// "LIST -la" lists the same as "LIST".
bool is_plain_listing(const Command& command) {
  const bool lists = command.name == "LIST" || command.name == "NLST";
  return lists && command.argument.starts_with('-') &&
         command.argument.find(' ') == std::string::npos;
}

// The client's own affair, not the recording's.
bool is_setup(const Exchange& exchange) {
  const auto* verb = find_verb(exchange.verb);
  return verb && (verb->meaning == Meaning::port || verb->meaning == Meaning::passive ||
                  verb->meaning == Meaning::authenticate);
}

std::string key_of(const Command& command, std::string_view argument) {
  return std::string(command.name).append(" ").append(argument);
}

}  // namespace

const Exchange* ScriptCursor::pick(const ReplayScript::Index& index, const std::string& key) const {
  const auto found = index.find(key);
  if (found == index.end()) return nullptr;
  const auto& places = found->second;
  const auto unused = [this](std::size_t place) { return !used_[place]; };
  const auto behind = std::ranges::lower_bound(places, next_);
  const auto next = std::find_if(behind, places.end(), unused);
  if (next != places.end()) return &script_.exchanges[*next];
  const auto first = std::find_if(places.begin(), behind, unused);
  return &script_.exchanges[first == behind ? places.back() : *first];
}

const Exchange* ScriptCursor::find_by_command(const Command& command) const {
  const auto& index = script_.by_command;
  if (const auto* exact = pick(index, key_of(command, command.argument))) return exact;
  if (const auto* hidden = pick(index, key_of(command, kHiddenArgument))) return hidden;
  if (may_be_any(command)) return nearest(command);
  return is_plain_listing(command) ? pick(index, key_of(command, "")) : nullptr;
}

ScriptCursor::Found ScriptCursor::find_by_state(const Command& command,
                                                const ReplayPlace& place) const {
  for (const auto precision : ReplayPlace::kPrecisions) {
    const auto* found =
        pick(script_.by_state, place.key(command.name, command.argument, precision));
    if (!found) continue;
    const bool other_offset = precision == ReplayPlace::Precision::any_offset &&
                              command.meaning() == Meaning::download && found->payload;
    if (!other_offset) return {found, 0};
    // What is missing in front of a payload cannot be sent; behind its end there is nothing.
    if (found->offset > place.offset()) continue;
    return {found, std::min(place.offset() - found->offset, found->payload->bytes)};
  }
  return {may_be_any(command) ? find_by_command(command) : nullptr, 0};
}

const Exchange* ScriptCursor::find_in_order(const Command& command) const {
  const auto* next = expected();
  if (!next || next->verb != command.name) return nullptr;
  const bool same = next->hidden || may_be_any(command) || next->argument == command.argument ||
                    (is_plain_listing(command) && next->argument.empty());
  return same ? next : nullptr;
}

ScriptCursor::Found ScriptCursor::find(const Command& command, const ReplayPlace& place) const {
  switch (match_) {
    case Match::strict: return {find_in_order(command), 0};
    case Match::verb: return {find_by_command(command), 0};
    case Match::state: return find_by_state(command, place);
  }
  return {};
}

const Exchange* ScriptCursor::nearest(const Command& command) const {
  return pick(script_.by_verb, std::string(command.name));
}

void ScriptCursor::use(const Exchange& exchange) {
  const auto index = static_cast<std::size_t>(&exchange - script_.exchanges.data());
  used_[index] = true;
  next_ = index + 1;
}

const Exchange* ScriptCursor::expected() const {
  const auto end =
      match_ == Match::strict || next_ < script_.own ? script_.own : script_.exchanges.size();
  if (next_ >= end) return nullptr;
  const auto rest = std::span(script_.exchanges).subspan(next_, end - next_);
  const auto found = std::ranges::find_if_not(rest, is_setup);
  return found == rest.end() ? nullptr : &*found;
}

}  // namespace ftpscope
