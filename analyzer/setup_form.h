// The six commands that set up a data connection, and what each consists of: its verb, who is to
// connect, where its address stands. Facts of RFC 959, 2428 and 1639; decides nothing.
#pragma once

#include <bitset>
#include <optional>
#include <span>
#include <string_view>

#include "analyzer/address_codec.h"
#include "analyzer/record.h"

namespace ftpscope {

struct SetupForm {
  Setup setup;
  std::string_view verb;
  bool passive;      // the client is to connect
  AddressForm form;  // of the argument; of the reply, when it is passive
  bool ipv4_only;    // it has no room for another address (RFC 2428 1)
};

// Not for Setup::unknown.
const SetupForm& form_of(Setup setup);
Setup setup_of(AddressForm form);
std::optional<Setup> setup_of_verb(std::string_view verb);
std::span<const SetupForm> all_setups();

// A set of them.
inline constexpr std::size_t kSetups = static_cast<std::size_t>(Setup::unknown);
using SetupSet = std::bitset<kSetups>;
inline std::size_t index_of(Setup setup) { return static_cast<std::size_t>(setup); }

// The server does not do this at all: "not understood", "not implemented", "not for you"; but
// neither "log in first" (530) nor "not now" (503), nor any 4yz.
bool refuses_for_good(int code);

}  // namespace ftpscope
