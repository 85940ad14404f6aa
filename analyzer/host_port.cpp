#include "analyzer/host_port.h"

#include <algorithm>

#include "analyzer/endpoint.h"

namespace ftpscope {

std::expected<HostPort, std::string> parse_host_port(std::string_view text,
                                                     std::uint16_t default_port) {
  const auto wrong = [text](std::string_view why) {
    return std::unexpected("'" + std::string(text) + "' " + std::string(why));
  };
  HostPort result{std::string(text), default_port};
  std::string_view port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == text.npos) return wrong("lacks the ']' behind an IPv6 address");
    result.host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (!port.empty() && !port.starts_with(':')) return wrong("has text behind the ']'");
  } else if (std::ranges::count(text, ':') == 1) {
    result.host = text.substr(0, text.find(':'));
    port = text.substr(text.find(':'));
  } else if (text.find(':') != text.npos && !parse_ip(text)) {
    return wrong("is no address; write an IPv6 address with a port as [2001:db8::1]:21");
  }
  if (port.empty() && default_port != 0) return result;
  const auto number = port.empty() ? std::nullopt : parse_port(port.substr(1));
  if (!number) return wrong("needs a port from 0 to 65535, as in 127.0.0.1:2121");
  result.port = *number;
  return result;
}

std::string to_text(const HostPort& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace ftpscope
