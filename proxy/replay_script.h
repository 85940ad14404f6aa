// What a recording holds for whoever plays it again: exchanges, each a command and what came back
// for it. captures/README.md tells the format of a recording. Pure: the log comes in as text,
// payloads stay files.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/message.h"
#include "analyzer/record.h"

namespace ftpscope {

struct ScriptReply {
  std::optional<int> code;
  std::string raw;  // all lines with their endings, as the server sent them

  [[nodiscard]] bool final() const { return code && *code >= 200; }
};

// What went through the data connection of a transfer.
struct ScriptPayload {
  Direction direction = Direction::download;
  std::uint64_t bytes = 0;
  std::string
      file;  // a plain name in the folder of the recording; empty: its bytes were not recorded
};

struct Exchange {
  std::string verb;  // the table's spelling
  std::string argument;
  bool hidden = false;               // the argument was redacted: it matches any
  std::vector<ScriptReply> replies;  // with the ones nobody asked for that came behind them
  std::optional<ScriptPayload> payload;
  bool final_before_data = false;  // FTP-REPLY-BEFORE-DATA-END

  [[nodiscard]] bool finished() const;
};

struct ReplayScript {
  std::vector<ScriptReply> greeting;
  std::vector<Exchange> exchanges;
};

// The first session of a log. The error says which line of it is wrong.
[[nodiscard]] std::expected<ReplayScript, std::string> read_script(std::string_view log);

// A file of the recording's own folder: no slashes, no "..", nothing a shell or terminal would
// mind.
bool is_payload_name(std::string_view name);

// How far one client has come in a script.
class ScriptCursor {
 public:
  // `script` is to outlive it.
  explicit ScriptCursor(const ReplayScript& script)
      : script_(script), used_(script.exchanges.size(), false) {}

  // The exchange for a command: the next unused one of this verb and argument; else the last one,
  // once more; else, for a login, which may be by any name, one of the verb alone. Null: none.
  [[nodiscard]] const Exchange* find(const Command& command) const;
  void use(const Exchange& exchange);
  // What a client that follows the recording says next: behind the last one used, and not how it
  // sets up its data connections, which is its own affair.
  [[nodiscard]] const Exchange* expected() const;

 private:
  const ReplayScript& script_;
  std::vector<bool> used_;
  std::size_t next_ = 0;
};

}  // namespace ftpscope
