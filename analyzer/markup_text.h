// Text in the source of an HTML page or an XML document.
#pragma once

#include <string>
#include <string_view>

namespace ftpscope {

// For text and for attributes in either quotes. `utf8` has no control characters (printable());
// what XML 1.0 (2.2) cannot hold beside these is written as printable() would.
std::string markup_text(std::string_view utf8);

}  // namespace ftpscope
