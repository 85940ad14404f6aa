// `--server-data`: in which form the server is asked for a data connection, whatever form the
// client speaks. Pure; the whole matrix of forms and address families is plan_setup().
#pragma once

#include <optional>
#include <string_view>

#include "analyzer/session_state.h"

namespace ftpscope {

enum class ServerData : std::uint8_t {
  same,     // as the client, where the server's address family allows it
  passive,  // we connect to the server
  active,   // the server connects to us
  pasv,
  epsv,
  lpsv,
  port,
  eprt,
  lprt,
};
std::string_view name_of(ServerData server_data);

// The client's and the server's side of us have different address families: what one of them says
// may have no words on the other.
bool mixed_families(const SessionState& state);

// Set-ups may become others in this session: asked for by the user, or by the address families; and
// not switched off by the client.
bool may_translate(ServerData wish, const SessionState& state);
bool translates(ServerData wish, const SessionState& state);

struct SetupPlan {
  Setup first = Setup::pasv;
  std::optional<Setup> fallback;  // when the server refuses the first
  bool operator==(const SetupPlan&) const = default;
};

// What the server is asked for when the client has asked for `asked`. The first choice is the
// user's wish, `asked` itself if that is of the wanted kind, or else what most servers know; then
// comes the other form of the same kind. Left out: what cannot carry the server's address family,
// and what this server is known to refuse (as long as something else is left).
SetupPlan plan_setup(ServerData wish, Setup asked, const SessionState& state);

}  // namespace ftpscope
