// A page of report/, filled in.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ftpscope {

struct PagePlace {
  std::string_view name;  // in the page: {{name}}
  std::string_view text;
};

// Every place in the page must be among `places`. One pass: what was put in is not searched for
// places again.
std::string filled_page(std::string_view page, std::span<const PagePlace> places);

// "sha256-…" as a Content-Security-Policy wants it, from the hexadecimal that CMake can compute.
std::string policy_source(std::string_view sha256_hex);

}  // namespace ftpscope
