#include "analyzer/report_text.h"

#include <utf8.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "analyzer/colour.h"
#include "analyzer/line_rules.h"
#include "analyzer/record_json.h"

namespace ftpscope {

namespace {

class Printer {
 public:
  Printer(std::string& out, const Record& record, const TextStyle& style)
      : out_(out), style_(style) {
    std::string time;
    append_time(time, record.time);
    constexpr std::size_t kClockBegin = 11;
    constexpr std::size_t kClockLength = 12;  // to the millisecond
    prefix_ = time.substr(kClockBegin, kClockLength);
    auto number = record.session.substr(record.session.rfind('-') + 1);
    number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
    prefix_.append("  ").append(number);
  }

  void operator()(const record::Session& r) {
    const auto through = r.balancer ? " through " + to_text(*r.balancer) : std::string{};
    line(Colour::dim, "--",
         "client " + to_text(r.client) + through + ", server " + printable(r.server));
  }
  void operator()(const record::Connected& r) {
    if (style_.verbose) {
      const auto name = r.name.empty() ? "" : " (" + printable(r.name) + ")";
      line(Colour::dim, "--",
           "connected to " + to_text(r.server) + name + " from " + to_text(r.from));
    }
  }
  void operator()(const record::Command& r) {
    auto text = printable(r.verb);
    if (r.argument) text.append(" ").append(printable(*r.argument));
    if (r.urgent) text.append("  (urgent)");
    line(Colour::client, r.by_proxy ? "P>" : "C>", text);
  }
  void operator()(const record::Reply& r) {
    const bool failed = r.code && *r.code >= 400;
    for (std::size_t i = 0; i < r.lines.size(); ++i) {
      auto text = printable(r.lines[i]);
      if (i + 1 == r.lines.size()) text.append(remark(r));
      line(failed ? Colour::failure : Colour::server, r.by_proxy ? "P<" : "S<", text);
    }
  }
  void operator()(const record::ReplyPart&) {}
  void operator()(const record::Rewrite& r) {
    line(Colour::changed, "~~",
         printable(trimmed(r.before)) + "  =>  " + printable(trimmed(r.after)));
  }
  void operator()(const record::ChannelExposed& r) {
    if (!style_.verbose) return;
    line(Colour::data, "==",
         "data " + std::to_string(r.id) + ": " + std::string(name_of(r.facing)) +
             " is to connect to " + to_text(r.address) +
             (r.target ? ", for " + to_text(*r.target) : ""));
  }
  void operator()(const record::ChannelOpened& r) {
    line(Colour::data, "==",
         "data " + std::to_string(r.id) + ": client " + to_text(r.client.from) + " > " +
             to_text(r.client.to) + ", server " + to_text(r.server.from) + " > " +
             to_text(r.server.to));
  }
  void operator()(const record::Data& r) { line(Colour::data, "==", data_text(r)); }
  void operator()(const record::Finding& r) {
    const auto& row = row_of(r.id);
    if (row.severity == Severity::note && !style_.verbose) return;
    const auto text = finding_text(r);
    line(row.severity == Severity::error ? Colour::failure : Colour::warning, "!!", text);
  }
  void operator()(const record::Opaque&) { line(Colour::dim, "--", "encrypted from here on"); }
  void operator()(const record::Tls& r) {
    auto text = std::string(r.channel ? "data " + std::to_string(*r.channel) : "control");
    text.append(": TLS ").append(r.version.empty() ? "of unknown version" : printable(r.version));
    if (!r.sni.empty()) text.append(", for ").append(printable(r.sni));
    if (r.resumed) text.append(*r.resumed ? ", resumed" : ", not resumed");
    line(Colour::dim, "--", text);
  }
  void operator()(const record::Gap& r) {
    line(Colour::warning, "--",
         std::to_string(r.bytes) + " bytes of the " + std::string(name_of(r.from)) +
             "'s are missing here");
  }
  void operator()(const record::Overlap& r) {
    line(Colour::failure, "--",
         "the " + std::string(name_of(r.from)) + " sent \"" + printable(r.kept) +
             "\" and, for the same place, \"" + printable(r.other) + "\"");
  }
  void operator()(const record::Damage& r) {
    line(Colour::failure, "!!",
         "the capture is damaged at byte " + std::to_string(r.offset) + ": " + printable(r.what));
  }
  void operator()(const record::Capture& r) {
    line(Colour::dim, "--",
         counted(r.packets, "packet") + ", " + counted(r.flows, "TCP connection") + ", " +
             counted(r.sessions, "FTP session"));
  }
  void operator()(const record::Lost& r) {
    line(Colour::failure, "!!", std::to_string(r.records) + " records could not be written");
  }
  void operator()(const record::End& r) {
    auto text = r.how == SessionEnd::open
                    ? std::string("still open where the capture ends")
                    : "ended by the " + std::string(r.by ? name_of(*r.by) : "proxy") + " (" +
                          std::string(name_of(r.how)) + ")";
    if (!r.why.empty()) text.append(": ").append(printable(r.why));
    text.append("; ").append(std::to_string(r.commands)).append(" commands, ");
    text.append(human_bytes(r.data_to_client)).append(" down, ");
    text.append(human_bytes(r.data_to_server)).append(" up, ");
    text.append(human_duration(r.duration));
    line(Colour::dim, "--", text);
  }

 private:
  static std::string_view trimmed(std::string_view line) {
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  std::string remark(const record::Reply& r) const {
    std::string text;
    if (!r.to && !r.by_proxy) text.append("  (nobody asked)");
    if (r.for_proxy) text.append("  (for the proxy)");
    if (style_.verbose && r.latency)
      text.append("  (").append(human_duration(*r.latency)).append(")");
    return text;
  }

  void line(Colour colour, std::string_view mark, std::string_view text) {
    const auto marked = std::string(mark).append(" ").append(text);
    out_.append(prefix_).append("  ").append(painted(marked, colour, style_.colour)).append("\n");
  }

  std::string& out_;
  const TextStyle& style_;
  std::string prefix_;
};

bool is_safe(char32_t c) {
  const bool control = c < 0x20 || (c >= 0x7f && c <= 0x9f);
  const bool bidi = (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
                    (c >= 0x2066 && c <= 0x2069) || c == 0x061c;
  return !control && !bidi && c != '\\';
}

void append_hex(std::string& out, std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.append("\\x").append(1, kHex[byte >> 4U]).append(1, kHex[byte & 0xfU]);
  }
}

std::string with_unit(double value, std::string_view unit) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), value < 10 ? "%.1f " : "%.0f ", value);
  return text.data() + std::string(unit);
}

}  // namespace

void append_text(std::string& out, const Record& record, const TextStyle& style) {
  std::visit(Printer(out, record, style), record.body);
}

std::string data_text(const record::Data& r) {
  auto text = "data " + std::to_string(r.id) + ": ";
  if (r.to) text.append(r.verb).append(", ");
  if (r.how == ChannelEnd::replaced && !r.connected) return text + "not used";
  if (!r.connected) {
    text.append(name_of(r.how));
    return r.why.empty() ? text : text + ", " + printable(r.why);
  }
  text.append(human_bytes(bytes_of(r))).append(" in ").append(human_duration(*duration_of(r)));
  if (const auto rate = rate_of(r)) text.append(", ").append(human_bytes(*rate)).append("/s");
  if (r.how == ChannelEnd::open) return text + ", still open";
  text.append(", closed by the ").append(r.closed_first ? name_of(*r.closed_first) : "proxy");
  return text.append(" (").append(name_of(r.how)).append(")");
}

std::string finding_text(const record::Finding& r) {
  const auto& row = row_of(r.id);
  auto text = std::string(name_of(row.severity)) + " " + std::string(row.name) + ": " +
              std::string(row.title);
  if (!r.detail.empty()) text.append(" (").append(printable(r.detail)).append(")");
  return text;
}

std::string printable(std::string_view bytes) {
  if (is_printable_ascii(bytes) && bytes.find('\\') == bytes.npos) return std::string(bytes);
  std::string out;
  auto at = bytes.begin();
  while (at != bytes.end()) {
    const auto begin = at;
    try {
      const auto c = static_cast<char32_t>(utf8::next(at, bytes.end()));
      if (is_safe(c)) {
        out.append(begin, at);
      } else if (c == '\\') {
        out.append("\\\\");
      } else {
        append_hex(out, {begin, at});
      }
    } catch (const utf8::exception&) {
      at = begin + 1;
      append_hex(out, {begin, at});
    }
  }
  return out;
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return std::to_string(count).append(" ").append(noun).append(count == 1 ? "" : "s");
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr double kStep = 1024;
  constexpr auto kUnits = std::to_array<std::string_view>({"KiB", "MiB", "GiB", "TiB"});
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / kStep;
  std::size_t unit = 0;
  for (; value >= kStep && unit + 1 < kUnits.size(); ++unit) value /= kStep;
  return with_unit(value, kUnits[unit]);
}

std::string human_duration(Duration duration) {
  const auto us = static_cast<double>(duration.count());
  if (us < 1e3) return std::to_string(duration.count()) + " us";
  if (us < 1e6) return with_unit(us / 1e3, "ms");
  return with_unit(us / 1e6, "s");
}

}  // namespace ftpscope
