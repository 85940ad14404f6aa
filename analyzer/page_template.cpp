#include "analyzer/page_template.h"

#include <algorithm>
#include <cassert>

#include "analyzer/record_json.h"

namespace ftpscope {

std::string filled_page(std::string_view page, std::span<const PagePlace> places) {
  auto size = page.size();
  for (const auto& place : places) size += place.text.size();
  std::string out;
  out.reserve(size);
  for (auto open = page.find("{{"); open != page.npos; open = page.find("{{")) {
    const auto close = page.find("}}", open);
    const auto name = page.substr(open + 2, close - open - 2);
    const auto place = std::ranges::find(places, name, &PagePlace::name);
    assert(place != places.end());
    out.append(page.substr(0, open)).append(place->text);
    page.remove_prefix(close + 2);
  }
  return out.append(page);
}

std::string policy_source(std::string_view sha256_hex) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string bytes;
  for (std::size_t i = 0; i + 1 < sha256_hex.size(); i += 2) {
    const auto byte = kDigits.find(sha256_hex[i]) * 16 + kDigits.find(sha256_hex[i + 1]);
    bytes += static_cast<char>(byte);
  }
  return "'sha256-" + base64(bytes) + "'";
}

}  // namespace ftpscope
