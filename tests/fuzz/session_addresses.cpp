#include "tests/fuzz/session_addresses.h"

#include <vector>

namespace ftpscope::fuzz {

namespace {

std::string commas(const std::vector<unsigned>& numbers) {
  std::string text;
  for (const auto number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  return text;
}

}  // namespace

Endpoint at(const char* ip, std::uint16_t port) { return {*parse_ip(ip), port}; }

std::set<std::string> own_address_commands(const Endpoint& endpoint) {
  std::vector<unsigned> host(endpoint.ip.bytes.begin(),
                             endpoint.ip.bytes.begin() + (endpoint.ip.v6 ? 16 : 4));
  const unsigned high = endpoint.port / 256U;
  const unsigned low = endpoint.port % 256U;
  std::set<std::string> lines;
  const auto family = std::string(endpoint.ip.v6 ? "2" : "1");
  lines.insert("EPRT |" + family + "|" + to_text(endpoint.ip) + "|" +
               std::to_string(endpoint.port) + "|");
  auto numbers = host;
  numbers.insert(numbers.end(), {high, low});
  if (!endpoint.ip.v6) lines.insert("PORT " + commas(numbers));
  numbers = {endpoint.ip.v6 ? 6U : 4U, static_cast<unsigned>(host.size())};
  numbers.insert(numbers.end(), host.begin(), host.end());
  numbers.insert(numbers.end(), {2, high, low});
  lines.insert("LPRT " + commas(numbers));
  return lines;
}

}  // namespace ftpscope::fuzz
