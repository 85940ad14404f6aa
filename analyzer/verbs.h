// Every command that ftpscope knows, in one table: where it is defined, what argument it takes,
// which replies are legal and what it does to the session. A verb off the table is passed and
// logged as well.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace ftpscope {

enum class Argument : std::uint8_t { none, optional, required };

// What a command does to the session, as far as a proxy or an analyzer must know.
enum class Meaning : std::uint8_t {
  plain,
  user,
  password,  // PASS and ACCT
  reinitialize,
  quit,
  port,           // PORT, EPRT, LPRT: the argument is where the client's user-DTP listens
  passive,        // PASV, EPSV, LPSV: the reply is where the server-DTP listens
  download,       // RETR and the listings: data from server to client
  upload,         // STOR, STOU, APPE
  restart,        // REST
  abort,          // ABOR
  transfer_mode,  // MODE
  authenticate,   // AUTH
  features,       // FEAT
  site,           // SITE: the word behind it is a command of the server's own
  security_data,  // ADAT, MIC, CONF, ENC (RFC 2228)
  empty,          // a line without a command: no server need answer it
};

struct Verb {
  std::string_view name;    // upper case
  std::string_view source;  // RFC and section
  Argument argument;
  Meaning meaning;
  std::array<std::uint16_t, 20>
      replies;  // legal codes, 0-terminated (RFC 959 5.4 and its successors)

  [[nodiscard]] bool allows(int code) const;
};

// The pseudo-command that the greeting answers (RFC 959 5.4, "Connection Establishment").
extern const Verb kGreeting;
// A line with nothing on it. Servers answer it with 500 or not at all.
extern const Verb kEmptyLine;

// The row of a verb in any case of letters, or null when it is off the table.
const Verb* find_verb(std::string_view name);

std::span<const Verb> all_verbs();

// RFC 959 5.4's transfers: a data connection belongs to them and a 1yz precedes their 2yz.
inline bool is_transfer(Meaning meaning) {
  return meaning == Meaning::download || meaning == Meaning::upload;
}

}  // namespace ftpscope
