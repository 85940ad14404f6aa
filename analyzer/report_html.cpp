#include "analyzer/report_html.h"

#include <array>
#include <cassert>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "analyzer/findings.h"
#include "analyzer/json_text.h"
#include "analyzer/markup_text.h"
#include "analyzer/page_source.h"
#include "analyzer/page_template.h"
#include "analyzer/report_text.h"

namespace ftpscope {

namespace {

using nlohmann::json;

struct BadLine {
  std::size_t number;  // from 1
  std::string text;    // its beginning, printable
};

struct LogParts {
  std::string lines;  // ready to stand in a <script>
  std::vector<BadLine> bad;
  std::size_t bad_count = 0;
  std::size_t records = 0;
  bool torn = false;
  std::set<std::string, std::less<>> findings;  // names that occur
};

// Inside a <script> of data only "</script" and "<!--" mean anything to a browser. `<` stands in
// strings only, in JSON, and may be written as an escape there.
void append_data(std::string& out, std::string_view text) {
  for (auto at = text.find('<'); at != text.npos; at = text.find('<')) {
    out.append(text.substr(0, at)).append("\\u003c");
    text.remove_prefix(at + 1);
  }
  out += text;
}

// The least that a record has. Fields are judged where they are shown.
bool is_record(const json& line) {
  const auto has_text = [&](const char* key) {
    const auto field = line.find(key);
    return field != line.end() && field->is_string();
  };
  return line.is_object() && has_text("ts") && has_text("session") && has_text("kind");
}

void add_bad(LogParts& parts, std::size_t number, std::string_view line) {
  ++parts.bad_count;
  if (parts.bad.size() == kBadLinesShown) return;
  parts.bad.push_back({number, printable(line.substr(0, kBadLineShownMax))});
}

void add_line(LogParts& parts, std::size_t number, std::string_view line, bool ended) {
  const auto parsed = json::parse(line, nullptr, false);
  if (!is_record(parsed)) {
    // Its writer was killed while it wrote (design.md, point 8): worth a word, but no damage.
    if (!ended) parts.torn = true;
    return add_bad(parts, number, line);
  }
  ++parts.records;
  append_data(parts.lines, line);
  parts.lines += '\n';
  if (parsed["kind"] != "finding") return;
  const auto name = parsed.find("finding");
  if (name != parsed.end() && name->is_string()) parts.findings.insert(name->get<std::string>());
}

LogParts read_parts(std::string_view log) {
  LogParts parts;
  parts.lines.reserve(log.size() + log.size() / 16);
  for (std::size_t number = 1; !log.empty(); ++number) {
    const auto end = log.find('\n');
    auto line = log.substr(0, end);
    log.remove_prefix(end == log.npos ? log.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);  // a log that went through an editor
    if (!line.empty()) add_line(parts, number, line, end != log.npos);
  }
  return parts;
}

void finding_field(JsonObject& object, const FindingRow& row) {
  JsonObject inner(object.name(row.name));
  inner.word("severity", name_of(row.severity));
  inner.word("blame", name_of(row.blame));
  inner.text("source", row.source);
  inner.text("title", row.title);
  inner.text("seen", row.seen);
  inner.text("remedy", row.remedy);
}

std::string bad_json(const LogParts& parts) {
  std::string out = "[";
  for (const auto& bad : parts.bad) {
    if (out.size() > 1) out += ',';
    JsonObject object(out);
    object.number("line", bad.number);
    object.text("text", bad.text);
  }
  return out + "]";
}

// What the scripts need beside the records.
std::string about_json(const HtmlReport& report, const LogParts& parts) {
  std::string out;
  {
    JsonObject object(out);
    object.text("title", printable(report.title));
    object.number("bad_count", parts.bad_count);
    object.flag("torn", parts.torn);
    object.name("bad") += bad_json(parts);
    JsonObject findings(object.name("findings"));
    for (const auto& row : all_findings()) {
      if (parts.findings.contains(row.name)) finding_field(findings, row);
    }
  }
  return out;
}

}  // namespace

HtmlPage html_page(const HtmlReport& report) {
  assert(report.log.size() <= kHtmlLogMax);
  const auto parts = read_parts(report.log);
  std::string about;
  append_data(about, about_json(report, parts));
  const auto title = markup_text(printable(report.title));
  const auto script_source = policy_source(page_source::kScriptSha256);
  const auto style_source = policy_source(page_source::kStyleSha256);
  const auto places = std::to_array<PagePlace>({{"title", title},
                                                {"script-source", script_source},
                                                {"style-source", style_source},
                                                {"style", page_source::kStyle},
                                                {"about", about},
                                                {"log", parts.lines},
                                                {"script", page_source::kScript}});
  return {filled_page(page_source::kPage, places), parts.records, parts.bad_count};
}

}  // namespace ftpscope
