#include "analyzer/explain_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include "analyzer/json_text.h"

namespace ftpscope {

namespace {

constexpr std::string_view kPrefix = "FTP-";
constexpr std::string_view kIndent = "  ";

struct Family {
  FindingId first;  // up to the first of the next one
  std::string_view title;
};

constexpr auto kFamilies = std::to_array<Family>({
    {FindingId::reply_unsolicited, "replies"},
    {FindingId::line_lf_only, "lines"},
    {FindingId::command_unknown, "commands"},
    {FindingId::port_malformed, "addresses"},
    {FindingId::data_stranger, "data connections"},
    {FindingId::tls_opaque, "TLS"},
    {FindingId::timeout_greeting, "sessions"},
    {FindingId::password_guessing, "attacks"},
    {FindingId::capture_damaged, "captures"},
    {FindingId::replay_unmatched, "replays"},
});
static_assert(std::ranges::is_sorted(kFamilies, {}, &Family::first));

enum class Paint : std::uint8_t { heading, dim, note, warning, error };

std::string_view code_of(Paint paint) {
  switch (paint) {
    case Paint::heading: return "\x1b[1m";
    case Paint::dim: return "\x1b[2m";
    case Paint::note: return "\x1b[36m";
    case Paint::warning: return "\x1b[33m";
    case Paint::error: return "\x1b[31m";
  }
  return "";
}

Paint paint_of(Severity severity) {
  switch (severity) {
    case Severity::note: return Paint::note;
    case Severity::warning: return Paint::warning;
    case Severity::error: return Paint::error;
  }
  return Paint::note;
}

std::string painted(std::string_view text, Paint paint, const PageStyle& style) {
  if (!style.colour) return std::string(text);
  return std::string(code_of(paint)).append(text).append("\x1b[0m");
}

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (auto& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return upper;
}

std::string_view short_name(const FindingRow& row) { return row.name.substr(kPrefix.size()); }

template <class Matches>
FindingRows rows_that(Matches matches) {
  FindingRows rows;
  for (const auto& row : all_findings()) {
    if (matches(row)) rows.push_back(&row);
  }
  return rows;
}

// Levenshtein: how many letters have to be put in, taken out or replaced.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row;
  for (std::size_t j = 0; j <= b.size(); ++j) row.push_back(j);
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto replaced = diagonal + (a[i] == b[j] ? 0U : 1U);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

void append_wrapped(std::string& out, std::string_view text, const PageStyle& style) {
  const auto width = std::clamp(style.width, PageStyle::kNarrowest, PageStyle::kWidest);
  for (const auto line : wrapped(text, width - kIndent.size())) {
    out.append(kIndent).append(line).append("\n");
  }
}

void append_section(std::string& out, std::string_view heading, std::string_view text,
                    const PageStyle& style) {
  out.append("\n").append(painted(heading, Paint::heading, style)).append("\n");
  append_wrapped(out, text, style);
}

void append_field(std::string& out, std::string_view name, const std::string& value,
                  const PageStyle& style) {
  constexpr std::size_t kColumn = 10;
  std::string label(name);
  label.resize(kColumn, ' ');
  out.append(kIndent).append(painted(label, Paint::dim, style)).append(value).append("\n");
}

std::string padded(std::string_view text, std::size_t width) {
  std::string result(text);
  if (result.size() < width) result.resize(width, ' ');
  return result;
}

void append_list_line(std::string& out, const FindingRow& row, std::size_t name_width,
                      const PageStyle& style) {
  constexpr std::size_t kSeverity = 9;
  out.append(kIndent).append(padded(row.name, name_width)).append(kIndent);
  out.append(painted(padded(name_of(row.severity), kSeverity), paint_of(row.severity), style));
  const auto begin = kIndent.size() * 2 + name_width + kSeverity;
  const auto width = std::clamp(style.width, PageStyle::kNarrowest, PageStyle::kWidest);
  constexpr std::size_t kTitleLeast = 20;
  const auto lines = wrapped(row.title, std::max(width - std::min(begin, width), kTitleLeast));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out.append(begin, ' ');
    out.append(lines[i]).append("\n");
  }
}

}  // namespace

FindingRows every_row() {
  return rows_that([](const FindingRow&) { return true; });
}

FindingRows find_rows(std::string_view text) {
  const auto upper = upper_case(text);
  if (upper.empty()) return {};
  for (const auto* name : {"", "FTP-"}) {
    if (const auto* row = find_finding(name + upper)) return {row};
  }
  auto begins = rows_that([&upper](const FindingRow& row) {
    return row.name.starts_with(upper) || short_name(row).starts_with(upper);
  });
  if (begins.size() == 1) return begins;
  return rows_that([&upper](const FindingRow& row) { return row.name.contains(upper); });
}

std::vector<std::string_view> similar_names(std::string_view text) {
  constexpr std::size_t kNamesMax = 3;
  constexpr std::size_t kTextMax = 64;  // what is longer is no name
  const auto upper = upper_case(text.substr(0, kTextMax));
  std::vector<std::pair<std::size_t, std::string_view>> near;
  for (const auto& row : all_findings()) {
    const auto apart = std::min(distance(upper, row.name), distance(upper, short_name(row)));
    if (apart * 3 <= std::max<std::size_t>(upper.size(), 3)) near.emplace_back(apart, row.name);
  }
  std::ranges::sort(near);
  std::vector<std::string_view> names;
  for (const auto& [apart, name] : near) {
    if (names.size() < kNamesMax) names.push_back(name);
  }
  return names;
}

std::string_view family_of(FindingId id) {
  const auto next = std::ranges::upper_bound(kFamilies, id, {}, &Family::first);
  return std::prev(next)->title;
}

std::vector<std::string_view> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string_view> lines;
  while (text.size() > width) {
    auto at = text.rfind(' ', width);
    if (at == text.npos || at == 0) at = text.find(' ', 1);
    if (at == text.npos) break;
    lines.push_back(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  lines.push_back(text);
  return lines;
}

void append_page(std::string& out, const FindingRow& row, const PageStyle& style) {
  out.append(painted(row.name, Paint::heading, style)).append("\n");
  append_wrapped(out, row.title, style);
  out.append("\n");
  append_field(out, "severity", painted(name_of(row.severity), paint_of(row.severity), style),
               style);
  append_field(out, "to blame", "most likely the " + std::string(name_of(row.blame)), style);
  append_field(out, "source", std::string(row.source), style);
  append_section(out, "How it is seen", row.seen, style);
  append_section(out, "What to do", row.remedy, style);
}

void append_list(std::string& out, const FindingRows& rows, const PageStyle& style) {
  std::size_t name_width = 0;
  for (const auto* row : rows) name_width = std::max(name_width, row->name.size());
  std::string_view family;
  for (const auto* row : rows) {
    if (family != family_of(row->id)) {
      if (!family.empty()) out.append("\n");
      family = family_of(row->id);
      out.append(painted(family, Paint::heading, style)).append("\n");
    }
    append_list_line(out, *row, name_width, style);
  }
}

void append_json_line(std::string& out, const FindingRow& row) {
  {
    JsonObject object(out);
    object.word("finding", row.name);
    object.word("severity", name_of(row.severity));
    object.word("blame", name_of(row.blame));
    object.text("source", row.source);
    object.text("title", row.title);
    object.text("seen", row.seen);
    object.text("remedy", row.remedy);
  }
  out.append("\n");
}

void append_markdown(std::string& out, const FindingRows& rows) {
  out.append("| finding | severity | blame | source | what it is |\n|---|---|---|---|---|\n");
  for (const auto* row : rows) {
    out.append("| `").append(row->name).append("` | ").append(name_of(row->severity));
    out.append(" | ").append(name_of(row->blame)).append(" | ").append(row->source);
    out.append(" | ").append(row->title).append(" |\n");
  }
}

}  // namespace ftpscope
