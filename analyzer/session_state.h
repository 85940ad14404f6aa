// What is known of a session at a moment: written by the Dialogue, read by rules and rewriters.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "analyzer/record.h"
#include "analyzer/setup_form.h"
#include "analyzer/verbs.h"

namespace ftpscope {

struct SessionState {
  IpAddress client_ip;  // the control connection's peers
  IpAddress server_ip;
  Endpoint proxy;  // where the client reached us
  bool greeted = false;
  bool logged_in = false;
  bool epsv_all = false;  // RFC 2428 3
  bool opaque = false;    // after AUTH and 234: nothing can be read any more
  char mode = 'S';        // RFC 959 3.4: S, B, C; Z is deflate
  // For the translation of set-ups, by who does it (proxy/interceptor_setup.cpp).
  bool translation_off = false;  // the client said ALGS DISABLE64 (RFC 6384 11)
  SetupSet refused_setups;       // the server has been asked, and refuses them
};

// A command that waits for its final reply.
struct PendingCommand {
  const Verb* verb = nullptr;
  std::unique_ptr<const std::string> unknown_name;  // of a verb off the table
  Timestamp sent;
  CommandId id = 0;
  std::uint32_t repeats = 0;  // empty lines behind this one, which may or may not be answered
  bool preliminary_seen = false;
  bool barrier = false;  // no later command is read before its final reply
  char mode = '\0';      // of MODE
  bool epsv_all = false;
  // The proxy's, which goes out when the replies to all older commands have. None: it was passed
  // on.
  std::unique_ptr<const std::string> own_answer;

  [[nodiscard]] std::string_view name() const {
    return verb ? verb->name : unknown_name ? *unknown_name : std::string_view{};
  }
  [[nodiscard]] Meaning meaning() const { return verb ? verb->meaning : Meaning::plain; }
  // Servers disagree on whether these get a reply of their own.
  [[nodiscard]] bool may_stay_unanswered() const {
    return meaning() == Meaning::abort || meaning() == Meaning::empty;
  }
};

}  // namespace ftpscope
