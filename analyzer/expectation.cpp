#include "analyzer/expectation.h"

#include <algorithm>

#include "analyzer/report_text.h"
#include "analyzer/transaction_comparison.h"
#include "analyzer/verbs.h"

namespace ftpscope {

namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

bool is_code(std::string_view text) {
  constexpr std::size_t kCodeSize = 3;
  return text.size() == kCodeSize && text.find_first_not_of("0123456789x") == text.npos &&
         text[0] != 'x';
}

// "226, 250"
std::optional<std::vector<std::string>> codes_in(std::string_view text) {
  std::vector<std::string> codes;
  while (true) {
    const auto comma = text.find(',');
    const auto code = trimmed(text.substr(0, comma));
    if (!is_code(code)) return std::nullopt;
    codes.emplace_back(code);
    if (comma == text.npos) return codes;
    text.remove_prefix(comma + 1);
  }
}

// "226 /done/": takes the pattern off. The error is what std::regex says.
std::expected<std::optional<std::regex>, std::string> take_pattern(std::string_view& text) {
  const auto begin = text.find('/');
  if (begin == text.npos || begin + 1 >= text.size() || !text.ends_with('/')) return std::nullopt;
  const auto pattern = text.substr(begin + 1, text.size() - begin - 2);
  try {
    std::regex compiled(pattern.begin(), pattern.end());
    text = trimmed(text.substr(0, begin));
    return compiled;
  } catch (const std::regex_error& error) {
    return std::unexpected("the pattern /" + printable(pattern) + "/ is wrong: " + error.what());
  }
}

// What stands behind the colon. False: it is no verdict.
std::expected<bool, std::string> read_verdict(std::string_view text, Expectation& out) {
  if (text == "any" || text == "never") {
    out.kind = text == "any" ? Expectation::Kind::sent : Expectation::Kind::never;
    return true;
  }
  auto pattern = take_pattern(text);
  if (!pattern) return std::unexpected(pattern.error());
  out.text = std::move(*pattern);
  if (text.empty()) return out.text.has_value();
  auto codes = codes_in(text);
  if (!codes) return false;
  out.codes = std::move(*codes);
  return true;
}

void read_command(std::string_view text, Expectation& out) {
  const auto blank = text.find(' ');
  const auto verb = text.substr(0, blank);
  const auto* known = find_verb(verb);
  out.verb = known ? known->name : verb;
  if (blank != text.npos) out.argument = trimmed(text.substr(blank));
}

// The text without its first character of the pattern, literally or as any; false: it has another.
bool fits_one(std::string_view pattern, std::string_view text, std::size_t& length) {
  const bool escaped = pattern[0] == '\\' && pattern.size() > 1;
  length = escaped ? 2 : 1;
  return !text.empty() && ((!escaped && pattern[0] == '?') || pattern[length - 1] == text[0]);
}

// Goes back to the last * only, so it takes at most pattern times text.
bool fits(std::string_view pattern, std::string_view text) {
  std::optional<std::string_view> star;  // the pattern behind it
  std::string_view retry;
  while (true) {
    std::size_t length = 0;
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      star = pattern;
      retry = text;
    } else if (!pattern.empty() && fits_one(pattern, text, length)) {
      pattern.remove_prefix(length);
      text.remove_prefix(1);
    } else if (pattern.empty() && text.empty()) {
      return true;
    } else if (star && !retry.empty()) {
      retry.remove_prefix(1);
      pattern = *star;
      text = retry;
    } else {
      return false;
    }
  }
}

bool is_about(const Expectation& expectation, const Transaction& transaction) {
  if (transaction.verb != expectation.verb) return false;
  return !expectation.argument || fits(*expectation.argument, transaction.argument.value_or(""));
}

bool fits_code(const std::string& wanted, int code) {
  const auto text = std::to_string(code);
  return std::ranges::equal(wanted, text, [](char w, char c) { return w == 'x' || w == c; });
}

bool has_text(const Transaction& transaction, const std::regex& pattern) {
  for (const auto& reply : transaction.replies) {
    std::string_view rest = reply.raw;
    while (!rest.empty()) {
      const auto end = std::min(rest.find_first_of("\r\n"), rest.size());
      const auto line = rest.substr(0, std::min(end, Expectation::kLineSearched));
      if (std::regex_search(line.begin(), line.end(), pattern)) return true;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return false;
}

bool meets(const Expectation& expectation, const Transaction& transaction) {
  if (expectation.kind == Expectation::Kind::sent) return true;
  if (expectation.kind == Expectation::Kind::never) return false;
  const auto code = transaction.code();
  const auto fitting = [&](const std::string& wanted) { return code && fits_code(wanted, *code); };
  if (!expectation.codes.empty() && !std::ranges::any_of(expectation.codes, fitting)) return false;
  return !expectation.text || has_text(transaction, *expectation.text);
}

std::string told(const Transaction& transaction) {
  auto text = command_text(transaction);
  const auto* reply = transaction.final_reply();
  if (!reply) return text.append(" got no final reply");
  const auto line = reply->raw.substr(0, reply->raw.find_first_of("\r\n"));
  return text.append(" got \"").append(printable(line)).append("\"");
}

}  // namespace

std::expected<Expectation, std::string> parse_expectation(std::string_view line) {
  const auto text = trimmed(line);
  // An argument may have a colon too, so the first one counts that stands in front of a verdict.
  for (auto colon = text.find(':'); colon != text.npos; colon = text.find(':', colon + 1)) {
    Expectation expectation;
    const auto is_verdict = read_verdict(trimmed(text.substr(colon + 1)), expectation);
    if (!is_verdict) return std::unexpected(is_verdict.error());
    const auto command = trimmed(text.substr(0, colon));
    if (!*is_verdict || command.empty()) continue;
    expectation.source = text;
    read_command(command, expectation);
    return expectation;
  }
  return std::unexpected("'" + printable(text) +
                         "' is no expectation: one is like 'RETR /a: 226', 'STOR *: 2xx', "
                         "'FEAT: 211 /MLSD/', 'LIST: any' or 'DELE: never'");
}

std::expected<std::vector<Expectation>, std::string> parse_expectations(std::string_view text) {
  std::vector<Expectation> all;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    auto expectation = parse_expectation(line);
    if (!expectation) {
      return std::unexpected("line " + std::to_string(number) + ": " + expectation.error());
    }
    all.push_back(std::move(*expectation));
  }
  return all;
}

std::optional<std::string> what_happened_instead(const Expectation& expectation,
                                                 std::span<const SessionTransactions> sessions) {
  bool sent = false;
  for (const auto& session : sessions) {
    for (const auto& transaction : session.transactions) {
      if (!is_about(expectation, transaction)) continue;
      if (!meets(expectation, transaction)) return told(transaction);
      sent = true;
    }
  }
  const bool owed = !sent && expectation.kind != Expectation::Kind::never;
  return owed ? std::optional<std::string>("it was not sent") : std::nullopt;
}

}  // namespace ftpscope
