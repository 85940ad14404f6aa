// A rewriter decides about one message and does nothing: it is stateless, sees the session
// read-only and answers with a verdict. proxy/interceptor.h carries the verdict out, and logs it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "analyzer/address_codec.h"
#include "analyzer/message.h"
#include "analyzer/reply_assembler.h"
#include "analyzer/session_state.h"

namespace ftpscope {

struct Pass {};

// Something else is sent instead.
struct Replace {
  std::string bytes;
};

// The command is not passed on; the client gets this reply, CRLF included.
struct Answer {
  std::string reply;
  std::optional<bool> translate = std::nullopt;  // from here on (RFC 6384 11)
};

// The server is asked to set up the data connection in this form, and in the other one if it
// refuses. What it says is turned into what the client asked for.
struct AskServer {
  Setup asked = Setup::pasv;
  Setup first = Setup::pasv;
  std::optional<Setup> fallback = std::nullopt;
  std::optional<Endpoint> client = std::nullopt;   // where an active client listens
  std::string_view target_rule = {};               // of --data-address, that chose it
  std::optional<IpAddress> stated = std::nullopt;  // the host that the client names
};

// The one operation behind PORT, EPRT, LPRT, 227, 229 and 228: listen for `facing`, connect to
// `target` when it has come, and put the listening address between the parts.
struct ExposeAddress {
  AddressForm form = AddressForm::port;
  Setup setup = Setup::port;
  Side facing = Side::server;
  std::optional<Endpoint> target;   // none: the other side is to come as well
  std::string_view target_rule;     // of --data-address, that chose it
  std::optional<IpAddress> stated;  // the host that the message names, if it names one
  std::vector<std::string> parts;  // the text with its holes cut out: one more than there are holes
};

// A finding about what the rewriter does. What is odd about the message itself is told by the
// Dialogue and the rules of analyzer/, in a capture as well.
struct Note {
  FindingId id;
  std::string detail;
};

// An answer to a reply does not compile.
struct CommandVerdict {
  std::variant<Pass, Replace, Answer, ExposeAddress, AskServer> action = Pass{};
  std::optional<Note> note = std::nullopt;
  std::string_view why = {};  // for the log; a literal
};

struct ReplyVerdict {
  std::variant<Pass, Replace, ExposeAddress> action = Pass{};
  std::string_view why = {};
};

class Rewriter {
 public:
  virtual ~Rewriter() = default;
  [[nodiscard]] virtual CommandVerdict on_command(const Command&, const SessionState&) const {
    return {};
  }
  // `answered` is null when no command asked for the reply.
  [[nodiscard]] virtual ReplyVerdict on_reply(const Reply&, const PendingCommand* /*answered*/,
                                              const SessionState&) const {
    return {};
  }
};

}  // namespace ftpscope
