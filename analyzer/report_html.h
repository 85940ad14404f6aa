// A session log as one HTML page that shows it: list of sessions, sequence diagram, findings. The
// page is a file by itself: it asks the network for nothing and may be sent to anybody.
//
// This side only packs: the page's own source (report/page.html, page.css and the scripts beside
// them, which the build puts into the binary) and, as data, the very lines of the log. What is
// shown of them, and how, is decided by the scripts. It knows neither files nor the time: the same
// log gives the same page.
//
// Safe to open (threats.md S29): in the page's source nothing of the log can be more than data
// (every `<` in it is written as \u003c), the scripts make text nodes of it and never markup, and
// the page's Content-Security-Policy lets no script run but those whose hash it names.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ftpscope {

// A browser keeps a page's data in one string, and in a few times its size of objects.
inline constexpr std::size_t kHtmlLogMax = std::size_t{128} << 20U;
// Lines that are no records: so many are shown with the reason, and so much of each.
inline constexpr std::size_t kBadLinesShown = 100;
inline constexpr std::size_t kBadLineShownMax = 400;

struct HtmlReport {
  std::string_view title;  // UTF-8; of what is not, the bytes are shown
  std::string_view log;    // JSON Lines; at most kHtmlLogMax bytes, the caller sees to that
};

struct HtmlPage {
  std::string text;
  std::size_t records = 0;
  std::size_t bad_lines = 0;  // a torn last one, too
};

// Records of unknown kinds are kept; lines that are no records are counted and shown as such.
HtmlPage html_page(const HtmlReport& report);

}  // namespace ftpscope
