#include "analyzer/telnet.h"

#include <cstddef>

namespace ftpscope {

namespace {

constexpr char kSubnegotiation = '\xfa';  // SB ... IAC SE
constexpr char kSubnegotiationEnd = '\xf0';

bool takes_option(char command) {  // WILL WONT DO DONT
  return command >= '\xfb' && command <= '\xfe';
}

// Behind IAC SE. IAC IAC is data in there as well (RFC 855).
std::size_t end_of_subnegotiation(std::string_view bytes, std::size_t at) {
  for (; at + 1 < bytes.size(); ++at) {
    if (bytes[at] != kIac) continue;
    if (bytes[at + 1] == kSubnegotiationEnd) return at + 2;
    ++at;
  }
  return bytes.size();
}

}  // namespace

TelnetText strip_telnet(std::string_view bytes) {
  TelnetText result;
  result.text.reserve(bytes.size());
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (bytes[at] != kIac) {
      result.text.push_back(bytes[at++]);
      continue;
    }
    if (at + 1 == bytes.size()) {
      result.dangling = true;
      break;
    }
    const char command = bytes[at + 1];
    at += 2;
    if (command == kIac) {
      result.text.push_back(kIac);
      continue;
    }
    result.commands = true;
    if (takes_option(command)) {
      result.dangling = result.dangling || at >= bytes.size();
      ++at;
    } else if (command == kSubnegotiation) {
      result.dangling = true;
      at = end_of_subnegotiation(bytes, at);
    }
  }
  return result;
}

}  // namespace ftpscope
