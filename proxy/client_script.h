// What a replayed client is going to say: the commands of a recorded session, made fit for another
// server (another login, other paths, other data connections), and what is expected of it.
//
// A recording is hostile input (threats.md S34). Nothing in it reaches the wire but as one line
// that was read again as a server would read it, and what is not to be sent says why. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/substitution.h"
#include "analyzer/transaction.h"
#include "analyzer/verbs.h"

namespace ftpscope {

struct ClientLogin {
  // RFC 1635 2: the anonymous login, with an address of mail as its password.
  std::string user = "anonymous";
  std::string password = "anonymous@";
};

struct ClientStep {
  std::size_t expected = 0;  // in ClientScript::expected.transactions
  std::string line;  // with its ending. Of a PASV or PORT: as it was, the player writes its own
  std::optional<std::size_t> urgent;  // this byte of it goes as TCP urgent data
  const Verb* verb = nullptr;         // null: off the table
  bool sets_up_data = false;          // PASV, EPSV, LPSV, PORT, EPRT, LPRT; but not EPSV ALL
  bool writes = false;                // it may change what the server has
  std::string skipped;                // why it is not to be sent; empty: it is

  [[nodiscard]] Meaning meaning() const { return verb ? verb->meaning : Meaning::plain; }
};

struct ClientScript {
  SessionTransactions expected;  // the recording, with the substitutions and the login made
  std::vector<ClientStep> steps;

  // The commands that change something, for a sentence: "STOR a, DELE b". Empty: there are none.
  [[nodiscard]] std::string writing_steps() const;
};

// With the substitutions made in every argument, and in every text that is expected.
[[nodiscard]] ClientScript plan_client_replay(const SessionTransactions& recorded,
                                              const ClientLogin& login,
                                              const std::vector<Substitution>& substitutions);

}  // namespace ftpscope
