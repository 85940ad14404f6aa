#include "tests/fuzz/session_addresses.h"

#include <algorithm>
#include <regex>
#include <vector>

namespace ftpscope::fuzz {

namespace {

std::string commas(const std::vector<unsigned>& numbers) {
  std::string text;
  for (const auto number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  return text;
}

// h1,h2,h3,h4,p1,p2
std::string host_port(const Endpoint& endpoint) {
  std::vector<unsigned> numbers(endpoint.ip.bytes.begin(), endpoint.ip.bytes.begin() + 4);
  numbers.insert(numbers.end(), {endpoint.port / 256U, endpoint.port % 256U});
  return commas(numbers);
}

std::string long_host_port(const Endpoint& endpoint) {
  const auto size = endpoint.ip.v6 ? 16U : 4U;
  std::vector<unsigned> numbers{endpoint.ip.v6 ? 6U : 4U, size};
  numbers.insert(numbers.end(), endpoint.ip.bytes.begin(), endpoint.ip.bytes.begin() + size);
  numbers.insert(numbers.end(), {2, endpoint.port / 256U, endpoint.port % 256U});
  return commas(numbers);
}

std::optional<std::uint16_t> number(std::string_view text) {
  if (text.empty() || text.size() > 5 || text.find_first_not_of("0123456789") != text.npos) {
    return std::nullopt;
  }
  const auto value = std::stoul(std::string(text));
  if (value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

std::uint16_t port_or_21(std::string_view text) {
  return text.empty() ? 21 : number(text).value_or(0);
}

}  // namespace

Endpoint at(const char* ip, std::uint16_t port) { return {*parse_ip(ip), port}; }

std::set<std::string> own_address_commands(const Endpoint& endpoint) {
  std::set<std::string> lines;
  lines.insert("EPRT |" + std::string(endpoint.ip.v6 ? "2" : "1") + "|" + to_text(endpoint.ip) +
               "|" + std::to_string(endpoint.port) + "|");
  if (!endpoint.ip.v6) lines.insert("PORT " + host_port(endpoint));
  lines.insert("LPRT " + long_host_port(endpoint));
  return lines;
}

std::string passive_code(std::string_view verb) {
  return verb == "PASV" ? "227" : verb == "EPSV" ? "229" : "228";
}

std::string passive_address(std::string_view code, const Endpoint& endpoint) {
  if (code == "227") return host_port(endpoint);
  if (code == "229") return "|||" + std::to_string(endpoint.port) + "|";
  return long_host_port(endpoint);
}

std::optional<std::uint16_t> plain_passive_port(std::string_view reply, const IpAddress& server) {
  static const std::regex k227(
      R"(227 [A-Za-z .]*\((\d+,\d+,\d+,\d+),(\d+),(\d+)\)[A-Za-z .]*\r\n)");
  static const std::regex k229(R"(229 [A-Za-z .]*\(\|\|\|(\d+)\|\)[A-Za-z .]*\r\n)");
  constexpr std::size_t kLongest = 200;
  if (reply.size() > kLongest) return std::nullopt;
  const std::string text(reply);
  std::smatch found;
  Endpoint named{server, 0};
  if (std::regex_match(text, found, k227)) {
    const auto high = number(found[2].str()).value_or(256);
    const auto low = number(found[3].str()).value_or(256);
    if (server.v6 || high > 255 || low > 255) return std::nullopt;
    named.port = static_cast<std::uint16_t>(high * 256 + low);
    if (text.find("(" + host_port(named) + ")") == text.npos) return std::nullopt;
  } else if (std::regex_match(text, found, k229)) {
    named.port = number(found[1].str()).value_or(0);
  }
  return named.port >= 1024 ? std::optional(named.port) : std::nullopt;
}

NamedInLogin named_in_login(std::string_view verb, std::string_view argument) {
  NamedInLogin named;
  auto where = argument;
  if (verb == "USER") {
    const auto at = argument.rfind('@');
    where = argument.substr(at + 1);
    named.user = argument.substr(0, at);
    if (const auto comma = where.find(','); comma != where.npos) {
      named.user = where.substr(comma + 1);
      where = where.substr(0, comma);
    }
  }
  const auto colons = std::ranges::count(where, ':');
  if (where.starts_with('[')) {
    const auto end = where.find(']');
    named.host = where.substr(1, end - 1);
    named.port = port_or_21(where.size() > end + 1 ? where.substr(end + 2) : "");
  } else if (colons > 1) {
    named.host = where;
    named.port = 21;
  } else {
    const auto end = where.find_first_of(": ");
    named.host = where.substr(0, end);
    named.port = port_or_21(end == where.npos ? "" : where.substr(end + 1));
  }
  return named;
}

}  // namespace ftpscope::fuzz
