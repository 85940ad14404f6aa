// Dates, times, addresses and numbers at the beginning of a text: how many bytes of it each takes,
// 0 when it does not begin with one. By their form only: "99:99" is a time.
#pragma once

#include <cstddef>
#include <string_view>

namespace ftpscope {

std::size_t digits_length(std::string_view text);
// "21", "0.125", "1,204,224"
std::size_t number_length(std::string_view text);
// "15:17", "15:17:19.250", "03:17PM"
std::size_t time_length(std::string_view text);
// "2026-11-21", "11-21-26", "21/11/2026", "20261121151719.125" (RFC 3659 2.3)
std::size_t date_length(std::string_view text);
// "Nov", "November"
std::size_t month_length(std::string_view text);
// "Sat", "Saturday"
std::size_t weekday_length(std::string_view text);
// "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"
std::size_t ip_length(std::string_view text);
// "192,0,2,1,195,80", "|||50010|", "|1|192.0.2.1|50010|"
std::size_t ftp_address_length(std::string_view text);

}  // namespace ftpscope
