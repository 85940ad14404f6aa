#include "analyzer/listing_facts.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "analyzer/mlsx_entry.h"
#include "analyzer/text_scan.h"

namespace ftpscope {

namespace {

struct Word {
  std::string_view text;
  std::size_t end = 0;  // in the line
};

// The first words of a line: as many as can stand in front of a file's name.
std::vector<Word> first_words(std::string_view line) {
  constexpr std::size_t kWordsMax = 12;
  std::vector<Word> words;
  std::size_t at = 0;
  while (words.size() < kWordsMax) {
    at = line.find_first_not_of(' ', at);
    if (at == line.npos) break;
    const auto end = std::min(line.find(' ', at), line.size());
    words.push_back({line.substr(at, end - at), end});
    at = end;
  }
  return words;
}

std::string entry(std::string_view type, std::string_view size, std::string_view name) {
  std::string text(type);
  if (type == "file") text.append(" ").append(size);
  return text.append(" ").append(name);
}

std::string_view type_of(char mode) {
  switch (mode) {
    case '-': return "file";
    case 'd': return "dir";
    case 'l': return "link";
    default: return "special";
  }
}

bool is_mode(std::string_view text) {
  constexpr std::size_t kModeSize = 10;
  return text.size() >= kModeSize &&
         std::string_view("-dlbcps").find(text[0]) != std::string_view::npos &&
         text.substr(1, kModeSize - 1).find_first_not_of("rwxsStTlL-") == text.npos;
}

bool is_time_or_year(std::string_view text) {
  constexpr std::size_t kYearDigits = 4;
  return time_length(text) == text.size() ||
         (text.size() == kYearDigits && digits_length(text) == kYearDigits);
}

// How many words the date takes that begins at `index`: "Nov 21 15:17", "Feb 3 2024", "2026-11-21
// 15:17".
std::size_t words_of_date(const std::vector<Word>& words, std::size_t index) {
  const auto text = words[index].text;
  constexpr std::size_t kMonthDayTime = 3;
  if (month_length(text) == text.size() && index + 2 < words.size()) {
    return is_time_or_year(words[index + 2].text) ? kMonthDayTime : 0;
  }
  return date_length(text) == text.size() && index + 1 < words.size() ? 2 : 0;
}

// The size stands in front of the date, the name one blank behind it.
std::optional<std::string> unix_entry(std::string_view line) {
  if (!is_mode(line)) return std::nullopt;
  const auto words = first_words(line);
  for (std::size_t i = 2; i < words.size(); ++i) {
    const auto size = words[i - 1].text;
    const auto date = words_of_date(words, i);
    if (date == 0 || digits_length(size) != size.size()) continue;
    const auto end = words[i + date - 1].end;
    if (end + 1 >= line.size()) return std::nullopt;
    return entry(type_of(line[0]), size, line.substr(end + 1));
  }
  return std::nullopt;
}

// "11-21-26  03:17PM       <DIR>          name", "11-21-26  03:17PM              1234 name".
std::optional<std::string> dos_entry(std::string_view line) {
  const auto words = first_words(line);
  constexpr std::size_t kWordsMin = 4;
  if (words.size() < kWordsMin || date_length(words[0].text) != words[0].text.size() ||
      time_length(words[1].text) != words[1].text.size()) {
    return std::nullopt;
  }
  const auto size = words[2].text;
  const bool folder = size == "<DIR>";
  if (!folder && digits_length(size) != size.size()) return std::nullopt;
  const auto name = line.find_first_not_of(' ', words[2].end);
  return entry(folder ? "dir" : "file", size, line.substr(name));
}

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return lower;
}

bool is_of_the_moment(std::string_view fact, bool folder) {
  const auto name = fact.substr(0, fact.find('='));
  return name == "modify" || name == "create" || name == "unique" || name.ends_with("time") ||
         (folder && (name == "size" || name == "sizd"));
}

std::string mlsx_entry(std::string_view line) {
  std::vector<std::string> facts;
  while (line.front() != ' ') {
    const auto semicolon = line.find(';');
    facts.push_back(in_lower_case(line.substr(0, semicolon)));
    line.remove_prefix(semicolon + 1);
  }
  const bool folder = std::ranges::any_of(
      facts, [](const std::string& f) { return f.starts_with("type=") && f.ends_with("dir"); });
  std::erase_if(facts, [&](const std::string& fact) { return is_of_the_moment(fact, folder); });
  std::ranges::sort(facts);
  std::string text;
  for (const auto& fact : facts) text.append(fact).append(";");
  return text.append(line);
}

bool is_total(std::string_view line) {
  constexpr std::string_view kTotal = "total ";
  return line.starts_with(kTotal) &&
         digits_length(line.substr(kTotal.size())) == line.size() - kTotal.size();
}

}  // namespace

std::string listing_fact(std::string_view line) {
  if (line.empty() || is_total(line)) return {};
  if (auto found = unix_entry(line)) return *found;
  if (auto found = dos_entry(line)) return *found;
  // A name that begins with a blank looks like an entry without facts; it stays what it is.
  if (line.front() != ' ' && is_mlsx_entry(line)) return mlsx_entry(line);
  return std::string(line);
}

std::vector<std::string> listing_facts(std::string_view listing) {
  std::vector<std::string> facts;
  while (!listing.empty()) {
    const auto end = std::min(listing.find('\n'), listing.size());
    auto line = listing.substr(0, end);
    listing.remove_prefix(std::min(end + 1, listing.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    auto fact = listing_fact(line);
    if (!fact.empty()) facts.push_back(std::move(fact));
  }
  std::ranges::sort(facts);
  return facts;
}

}  // namespace ftpscope
