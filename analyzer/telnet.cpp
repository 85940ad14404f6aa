#include "analyzer/telnet.h"

#include <cstddef>

namespace ftpscope {

namespace {

constexpr char kSubnegotiation = '\xfa';  // SB ... IAC SE

bool takes_option(char command) {  // WILL WONT DO DONT
  return command >= '\xfb' && command <= '\xfe';
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
      const auto end = bytes.find(std::string_view("\xff\xf0", 2), at);
      result.dangling = true;
      at = end == bytes.npos ? bytes.size() : end + 2;
    }
  }
  return result;
}

}  // namespace ftpscope
