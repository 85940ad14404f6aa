#include "analyzer/markup_text.h"

namespace ftpscope {

std::string markup_text(std::string_view utf8) {
  std::string text;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto three = utf8.substr(i, 3);
    if (three == "\xef\xbf\xbe" || three == "\xef\xbf\xbf") {  // U+FFFE, U+FFFF
      text.append(three.back() == '\xbe' ? R"(\xef\xbf\xbe)" : R"(\xef\xbf\xbf)");
      i += 2;
      continue;
    }
    switch (utf8[i]) {
      case '&': text += "&amp;"; break;
      case '<': text += "&lt;"; break;
      case '>': text += "&gt;"; break;
      case '"': text += "&quot;"; break;
      case '\'': text += "&apos;"; break;
      default: text += utf8[i];
    }
  }
  return text;
}

}  // namespace ftpscope
