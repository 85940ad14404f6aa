// Two sessions side by side: which transaction of one belongs to which of the other, and what
// differs between them. Pure; where the sessions are from (logs, recordings, captures, a replay)
// does not matter. README.md of captures says what is compared and what is not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/transaction.h"

namespace ftpscope {

// How much of the words: each level compares what the ones before it do.
enum class CompareLevel : std::uint8_t {
  code,   // the codes of replies; 125 and 150 are the same, since which one it is, is a matter of
          // who was faster (RFC 959 5.4)
  text,   // their text, without what differs from run to run (reply_mask.h)
  exact,  // every byte of commands, replies and listings, and findings that are notes
};

enum class Aspect : std::uint8_t {
  command,  // it is on one side only, or differs
  code,
  text,
  data,
  time,
  finding,
  session,  // of the session as a whole
};
std::string_view name_of(Aspect aspect);

// "RETR /a", safe on a terminal.
std::string command_text(const Transaction& transaction);

// What one has and the other has instead, safe on a terminal; several lines are separated by LF,
// and may be empty.
struct Difference {
  Aspect aspect = Aspect::command;
  std::string a;
  std::string b;
};

// The bytes of a payload by the name that the session has for it; none: they are not at hand, or
// more than kPayloadCompared.
using PayloadReader = std::function<std::optional<std::string>(const std::string& name)>;
inline constexpr std::size_t kPayloadCompared = std::size_t{4} << 20U;

struct ComparisonOptions {
  // Differences in time below this are chance.
  static constexpr Duration kTimeNoise = std::chrono::milliseconds(20);
  // Entries of a listing, lines of a reply that are told as different.
  static constexpr std::size_t kLinesTold = 20;

  CompareLevel level = CompareLevel::text;
  std::optional<double> slower_than = {};  // b may take this many times as long as a
  PayloadReader payload_of_a = {};         // may be empty
  PayloadReader payload_of_b = {};
};

// Of two transactions that belong together.
std::vector<Difference> differences_of(const Transaction& a, const Transaction& b,
                                       const ComparisonOptions& options);

// A row: one transaction of each, or null where only the other has it.
struct ComparedTransaction {
  const Transaction* a = nullptr;
  const Transaction* b = nullptr;
  std::vector<Difference> differences;
};

// Pointers are to what was compared.
struct SessionComparison {
  const SessionTransactions* a = nullptr;
  const SessionTransactions* b = nullptr;
  std::vector<Difference> differences;  // of the sessions as a whole
  std::vector<ComparedTransaction> rows;

  [[nodiscard]] bool same() const;
};

// Aligned by verb and argument (alignment.h), then, between those, by verb. How data connections
// are set up is one verb for this: PASV stands beside EPSV or PORT, which is a difference. A hidden
// argument is any argument.
SessionComparison compare_sessions(const SessionTransactions& a, const SessionTransactions& b,
                                   const ComparisonOptions& options);

}  // namespace ftpscope
