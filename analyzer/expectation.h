// What must have happened in a session, as one line of text: for tests of others, in a CI.
//
//   RETR /a: 226                  every RETR of /a got 226 in the end, and there was one at least
//   RETR *.bin: 226, 250          one of these codes; * is any text, ? any character
//   STOR: 2xx                     of any file; x is any digit
//   FEAT: 211 /MLSD|MLST/         and the text of its replies matches (ECMAScript)
//   greeting: /vsFTPd/            whatever the code
//   MLSD: any                     it was sent, whatever became of it
//   DELE: never                   it was not
//
// Pure; captures/README.md tells users.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <regex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/transaction.h"

namespace ftpscope {

struct Expectation {
  // A line of a reply is searched so far: std::regex works recursively, and the stack is limited.
  static constexpr std::size_t kLineSearched = 4096;  // bytes

  enum class Kind : std::uint8_t { answered, sent, never };

  std::string source;                   // as it was written
  std::string verb;                     // in the table's spelling
  std::optional<std::string> argument;  // with * and ?, where \ takes away their meaning; none: any
  Kind kind = Kind::answered;
  std::vector<std::string> codes;  // three characters, x for any digit; empty: any code
  std::optional<std::regex> text;
};

// The error is a sentence.
[[nodiscard]] std::expected<Expectation, std::string> parse_expectation(std::string_view line);

// One a line; empty lines and those that begin with # are skipped. The error names the line.
[[nodiscard]] std::expected<std::vector<Expectation>, std::string> parse_expectations(
    std::string_view text);

// What happened instead; none: the expectation is met. All sessions count as one.
std::optional<std::string> what_happened_instead(const Expectation& expectation,
                                                 std::span<const SessionTransactions> sessions);

}  // namespace ftpscope
