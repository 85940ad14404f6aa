#include "analyzer/reply_mask.h"

#include <algorithm>
#include <array>

#include "analyzer/listing_facts.h"
#include "analyzer/mlsx_entry.h"
#include "analyzer/text_scan.h"
#include "analyzer/verbs.h"

namespace ftpscope {

namespace {

struct Found {
  std::size_t length = 0;
  std::string_view word;
};

bool is_word_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// "21 Nov", "Nov 21", "Sat"; a day of a week by itself is a date only in front of one, which is
// where all known servers have it.
std::size_t spoken_date_length(std::string_view text) {
  constexpr std::size_t kDayDigits = 2;
  if (const auto month = month_length(text); month > 0) {
    const auto rest = text.substr(month);
    const auto blanks = std::min(rest.find_first_not_of(' '), rest.size());
    const auto day = digits_length(rest.substr(blanks));
    return blanks > 0 && day > 0 && day <= kDayDigits ? month + blanks + day : 0;
  }
  const auto day = digits_length(text);
  if (day == 0 || day > kDayDigits || day >= text.size() || text[day] != ' ') return 0;
  const auto month = month_length(text.substr(day + 1));
  return month > 0 ? day + 1 + month : 0;
}

std::size_t weekday_in_front_of_date(std::string_view text) {
  const auto day = weekday_length(text);
  if (day == 0) return 0;
  const auto rest = text.substr(day);
  const auto gap = std::min(rest.find_first_not_of(" ,"), rest.size());
  const bool dated = spoken_date_length(rest.substr(gap)) > 0 || date_length(rest.substr(gap)) > 0;
  return gap > 0 && dated ? day : 0;
}

// Behind a date or a time: "Nov 21 15:17:19 2026".
std::size_t year_length(std::string_view text) {
  constexpr std::size_t kYearDigits = 4;
  const bool year = text.starts_with("19") || text.starts_with("20");
  return year && digits_length(text) == kYearDigits ? kYearDigits : 0;
}

// "Kbytes per second", " bytes/s", "MB/s", "ms", " seconds": servers choose the unit by the size.
std::size_t unit_length(std::string_view text) {
  static constexpr std::array<std::string_view, 26> kUnits = {
      "bytes", "byte", "Kbytes", "kbytes", "Mbytes",  "Gbytes", "KBytes", "MBytes", "GBytes",
      "KB",    "kB",   "MB",     "GB",     "KiB",     "MiB",    "GiB",    "B",      "seconds",
      "secs",  "sec",  "s",      "ms",     "minutes", "hours",  "second", "minute"};
  static constexpr std::array<std::string_view, 4> kPer = {"/second", "/sec", "/s", " per second"};
  const std::size_t blank = text.starts_with(' ') ? 1 : 0;
  const auto word = text.substr(blank);
  const auto end = std::ranges::find_if_not(word, is_word_character);
  const auto length = static_cast<std::size_t>(end - word.begin());
  if (std::ranges::find(kUnits, word.substr(0, length)) == kUnits.end()) return 0;
  const auto rest = word.substr(length);
  const auto per =
      std::ranges::find_if(kPer, [&](std::string_view p) { return rest.starts_with(p); });
  return blank + length + (per == kPer.end() ? 0 : per->size());
}

bool counts_what_follows(std::string_view before) {
  static constexpr std::array<std::string_view, 9> kWords = {
      "pid", "port", "process", "session", "connection", "id", "number", "uid", "gid"};
  while (before.ends_with(' ') || before.ends_with(':') || before.ends_with('#') ||
         before.ends_with('=')) {
    before.remove_suffix(1);
  }
  std::string word;
  for (; !before.empty() && is_word_character(before.back()); before.remove_suffix(1)) {
    const char c = before.back();
    word.insert(word.begin(), c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return std::ranges::find(kWords, word) != kWords.end();
}

// One line on its way from left to right.
class Mask {
 public:
  Mask(std::string_view line, bool counts) : line_(line), counts_(counts) {}

  std::string text() {
    while (at_ < line_.size()) {
      const auto found = quoted_ || inside_word() ? Found{} : here();
      if (found.length > 0) {
        out_.append(found.word);
        at_ += found.length;
      } else {
        if (line_[at_] == '"') quoted_ = !quoted_;
        out_ += line_[at_++];
      }
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool inside_word() const { return at_ > 0 && is_word_character(line_[at_ - 1]); }

  Found here() {
    const auto rest = line_.substr(at_);
    if (const auto length = ip_length(rest); length > 0) return {length, "<address>"};
    if (const auto length = ftp_address_length(rest); length > 0) return {length, "<address>"};
    if (const auto length = moment_length(rest); length > 0) {
      dated_ = true;
      return {length, "<time>"};
    }
    const auto number = number_length(rest);
    if (number == 0) return {};
    if (counts_) return {number + unit_length(rest.substr(number)), "<number>"};
    return counts_what_follows(line_.substr(0, at_)) ? Found{number, "<number>"} : Found{};
  }
  [[nodiscard]] std::size_t moment_length(std::string_view rest) const {
    if (const auto length = time_length(rest); length > 0) return length;
    if (const auto length = date_length(rest); length > 0) return length;
    if (const auto length = spoken_date_length(rest); length > 0) return length;
    if (const auto length = weekday_in_front_of_date(rest); length > 0) return length;
    return dated_ ? year_length(rest) : 0;
  }

  std::string_view line_;
  bool counts_;
  std::size_t at_ = 0;
  bool quoted_ = false;
  bool dated_ = false;
  std::string out_;
};

// "150 FILE: x" (RFC 1123 4.1.2.9), "226 Transfer complete (unique file name:x)".
std::string without_unique_name(std::string_view line) {
  for (const std::string_view mark : {"FILE: ", "name:"}) {
    const auto found = line.find(mark);
    if (found == line.npos) continue;
    const auto begin = found + mark.size();
    const auto end = std::min(line.find_first_of(" )", begin), line.size());
    return std::string(line.substr(0, begin)).append("<name>").append(line.substr(end));
  }
  return std::string(line);
}

// STAT's replies can hold a listing, MLST's hold an entry behind a blank.
std::optional<std::string> listed(std::string_view verb, std::string_view line) {
  if (verb == "MLST" && line.starts_with(' ') && is_mlsx_entry(line.substr(1))) {
    return listing_fact(line.substr(1));
  }
  if (verb != "STAT") return std::nullopt;
  auto fact = listing_fact(line);
  return fact == line ? std::nullopt : std::optional(std::move(fact));
}

bool tells_counts(std::string_view verb) {
  const auto* row = find_verb(verb);
  return verb == kGreeting.name || verb == "QUIT" || verb == "STAT" ||
         (row && is_transfer(row->meaning));
}

}  // namespace

std::string masked_line(std::string_view verb, std::optional<int> code, std::string_view line) {
  if (verb == "SIZE") return std::string(line);
  if (auto fact = listed(verb, line)) return *fact;
  const auto invented = verb == "STOU" ? without_unique_name(line) : std::string(line);
  constexpr std::size_t kCodeSize = 3;
  const bool coded = code && line.starts_with(std::to_string(*code));
  const auto begin = std::min(coded ? kCodeSize : 0, invented.size());
  const auto end = std::min(kMaskedMax, invented.size());
  const auto looked_at = std::string_view(invented).substr(begin, end - begin);
  return invented.substr(0, begin)
      .append(Mask(looked_at, tells_counts(verb)).text())
      .append(invented, end);
}

}  // namespace ftpscope
