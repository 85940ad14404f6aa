// The names in an X.509 certificate: DNS names and IP addresses of subjectAltName, else the common
// name (RFC 6125 6.4).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ftpscope {

// At most so many; none when it cannot be read.
std::vector<std::string> certificate_names(std::string_view der, std::size_t most);

}  // namespace ftpscope
