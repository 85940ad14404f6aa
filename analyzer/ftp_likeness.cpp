#include "analyzer/ftp_likeness.h"

#include <algorithm>
#include <array>
#include <ranges>

#include "analyzer/reply_assembler.h"
#include "analyzer/verbs.h"

namespace ftpscope {

namespace {

// Verbs that other protocols with greetings of three digits have as well (SMTP, NNTP).
constexpr auto kShared = std::to_array<std::string_view>(
    {"QUIT", "NOOP", "HELP", "AUTH", "MODE", "LIST", "STAT", "USER", "PASS"});

struct LineScan {
  std::string_view line;
  bool whole = false;
};

LineScan first_line(std::string_view bytes) {
  const auto end = bytes.find('\n');
  return {bytes.substr(0, end), end != bytes.npos};
}

std::string_view first_word(std::string_view line) {
  return line.substr(0, line.find_first_of(" \r\n"));
}

bool is_shared(std::string_view verb) { return std::ranges::find(kShared, verb) != kShared.end(); }

// Lines that are all FTP commands, and one that only FTP has: yes.
Likeness like_commands(std::string_view bytes) {
  constexpr std::size_t kVerbMax = 4;
  bool proven = false;
  while (!bytes.empty()) {
    const auto [line, whole] = first_line(bytes);
    const auto word = first_word(line);
    const bool word_ended = whole || word.size() < line.size();
    if (!word_ended && word.size() <= kVerbMax) break;  // it may still become one
    const auto* verb = find_verb(word);
    if (!verb || word.empty()) return Likeness::no;
    proven = proven || !is_shared(verb->name);
    if (!whole) break;
    bytes.remove_prefix(line.size() + 1);
  }
  return proven ? Likeness::yes : Likeness::undecided;
}

bool is_reply_code(int code) { return code >= 100 && code < 600; }

Likeness like_replies(std::string_view bytes) {
  constexpr std::size_t kCodeAndMark = 4;
  if (bytes.size() < kCodeAndMark) {
    const bool digits = std::ranges::all_of(bytes, [](char c) { return c >= '0' && c <= '9'; });
    return digits ? Likeness::undecided : Likeness::no;
  }
  const auto start = reply_start(first_line(bytes).line);
  const bool reply =
      start && is_reply_code(start->code) && (start->mark == ' ' || start->mark == '-');
  return reply ? Likeness::yes : Likeness::no;
}

// 331 follows a greeting in FTP only.
bool asks_for_password(std::string_view bytes) {
  return bytes.find("\n331 ") != bytes.npos || bytes.find("\n331-") != bytes.npos;
}

bool greets(std::string_view bytes) { return bytes.starts_with("220") || bytes.starts_with("120"); }

}  // namespace

bool sends_replies(std::string_view bytes) { return like_replies(bytes) == Likeness::yes; }

Likeness ftp_likeness(const FirstBytes& first) {
  const auto& [client, server, from_the_start, one_direction] = first;
  const auto replies = server.empty() ? Likeness::undecided : like_replies(server);
  const auto commands = client.empty() ? Likeness::undecided : like_commands(client);
  if (replies == Likeness::no || commands == Likeness::no) return Likeness::no;
  if (one_direction) {
    const bool proven = server.empty() ? commands == Likeness::yes : asks_for_password(server);
    return proven ? Likeness::yes : Likeness::undecided;
  }
  if (replies == Likeness::undecided) return Likeness::undecided;
  if (from_the_start && !greets(server)) return Likeness::no;
  // USER behind a 220 is FTP: in SMTP it is HELO, and NNTP greets with 200 or 201.
  const bool user = from_the_start && find_verb(first_word(first_line(client).line)) != nullptr &&
                    client.find(' ') != client.npos && (client[0] == 'U' || client[0] == 'u');
  if (commands == Likeness::yes || user || asks_for_password(server)) return Likeness::yes;
  return Likeness::undecided;
}

}  // namespace ftpscope
