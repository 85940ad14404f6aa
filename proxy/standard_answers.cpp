#include "proxy/standard_answers.h"

#include <algorithm>
#include <array>

namespace ftpscope {

namespace {

struct Row {
  std::string_view verb;
  std::string_view arguments;  // each behind a '|', upper case; empty: whatever it is
  std::string_view reply;
};

// clang-format off
constexpr auto kRows = std::to_array<Row>({
    {"USER", {}, "331 Any password will do."},
    {"PASS", {}, "230 You are logged in."},
    {"ACCT", {}, "202 No account is needed."},
    {"TYPE", "|A|A N|A T|A C|E|E N|I|L 8|", "200 The type is set."},
    {"TYPE", {}, "504 No such type."},
    {"MODE", "|S|", "200 The mode is S."},
    {"MODE", {}, "504 Only MODE S."},
    {"STRU", "|F|", "200 The structure is F."},
    {"STRU", {}, "504 Only STRU F."},
    {"REST", "|0|", "350 From the beginning."},
    {"OPTS", "|UTF8 ON|UTF8|", "200 Names are sent as they were recorded."},
    {"NOOP", {}, "200 Yes."},
    {"ALLO", {}, "202 There is room."},
    {"CLNT", {}, "200 Welcome."},
    {"SYST", {}, "215 UNIX Type: L8"},
    {"FEAT", {}, "211-Features:\r\n EPRT\r\n EPSV\r\n211 End"},
    {"PWD",  {}, "257 \"/\" is where the recording begins."},
    {"XPWD", {}, "257 \"/\" is where the recording begins."},
    {"HELP", {}, "214 This server plays a recording."},
    {"STAT", "||", "211 This server plays a recording."},
    {"REIN", {}, "220 Log in again."},
    {"ABOR", {}, "226 No transfer is running any more."},
    {"QUIT", {}, "221 Goodbye."},
});
// clang-format on

std::string entry_of(std::string_view argument) {
  std::string entry = "|";
  for (const char c : argument) entry += c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c;
  return entry + "|";
}

}  // namespace

std::string_view standard_answer(const Command& command) {
  const auto entry = entry_of(command.argument);
  const auto row = std::ranges::find_if(kRows, [&](const Row& r) {
    return r.verb == command.name &&
           (r.arguments.empty() || r.arguments.find(entry) != r.arguments.npos);
  });
  return row == kRows.end() ? std::string_view{} : row->reply;
}

}  // namespace ftpscope
