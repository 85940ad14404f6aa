// The files of report/, as the build puts them into the binary (report/embed.cmake writes the
// definitions).
#pragma once

#include <string_view>

namespace ftpscope::page_source {

extern const std::string_view kPage;         // page.html, with places named {{like-this}}
extern const std::string_view kStyle;        // page.css
extern const std::string_view kScript;       // the scripts, one behind the other
extern const std::string_view kStyleSha256;  // hexadecimal
extern const std::string_view kScriptSha256;

extern const std::string_view kComparisonPage;   // comparison.html; has kStyle too
extern const std::string_view kComparisonStyle;  // comparison.css
extern const std::string_view kComparisonStyleSha256;

}  // namespace ftpscope::page_source
