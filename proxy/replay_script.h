// What a recording holds for the replayed server: exchanges, each a command and what came back for
// it, and when. captures/README.md tells the format of a recording. Pure: log and timing come in as
// text, payloads stay files.
#pragma once

#include <cstddef>
#include <expected>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/log_reader.h"
#include "analyzer/message.h"
#include "analyzer/record.h"
#include "analyzer/recording_timing.h"
#include "analyzer/transaction.h"

namespace ftpscope {

// The bytes of a reply up to `end` came with one read.
struct ScriptPiece {
  std::size_t end = 0;  // in ScriptReply::raw
  Timestamp at;
};

struct ScriptReply {
  std::optional<int> code;
  std::string raw;  // all lines with their endings, as the server sent them
  bool asked = true;
  std::vector<ScriptPiece> pieces;  // at least one; the last one ends with `raw`
  bool joined = false;              // its last piece came with the beginning of the next reply

  [[nodiscard]] bool final() const { return code && *code >= 200; }
};

// What went through the data connection of a transfer.
struct ScriptPayload {
  Direction direction = Direction::download;
  std::uint64_t bytes = 0;
  std::string file = {};    // a plain name in the recording's folder; empty: they were not recorded
  std::string sha256 = {};  // of the file; empty: not known
  std::uint64_t unrecorded = 0;  // of the bytes, at least so many at their end are not in the file
  std::vector<CoursePoint> course = {};  // when how many had come, since the connection stood
  std::optional<Timestamp> over = {};    // the last byte came
  bool reset = false;                    // the server ended it by RST
};

struct Exchange {
  // How the server ended the session behind this exchange.
  enum class Closing : std::uint8_t { none, fin, rst };

  std::string verb;  // the table's spelling
  std::string argument;
  bool hidden = false;               // the argument was redacted: it matches any
  std::vector<ScriptReply> replies;  // with the ones nobody asked for that came behind them
  std::optional<ScriptPayload> payload;
  bool final_before_data = false;  // FTP-REPLY-BEFORE-DATA-END
  std::uint64_t offset = 0;        // of its transfer, as REST said
  Timestamp asked;
  Closing closing = Closing::none;
  Timestamp closed;

  [[nodiscard]] bool finished() const;
  [[nodiscard]] const ScriptReply* final_reply() const;  // null: there is none
};

struct ReplayScript {
  std::string session;  // the one that is played
  Exchange greeting;
  std::vector<Exchange> exchanges;  // of the session, then of the others
  std::size_t own = 0;              // those of the session
  std::string home = "/";           // where its client was after the login, as far as it is known

  // Exchanges by what a command must have in common with theirs; each list in their order.
  using Index = std::map<std::string, std::vector<std::size_t>, std::less<>>;
  Index by_command;  // verb and argument; a hidden argument is kHiddenArgument
  Index by_verb;
  Index by_state;                              // ReplayPlace::key()
  std::set<std::string, std::less<>> folders;  // of the paths that the server has not refused
};

inline constexpr std::string_view kHiddenArgument = "\n<any>";  // no argument has a line end in it

// Takes a log as it is read: its text is not kept, its transactions are.
class ScriptReader {
 public:
  // Whole lines, in their order; the last one of all may be torn.
  void add(std::string_view lines);
  // `session`: the end of its name; empty: the first one with a greeting. The error is a sentence
  // without its beginning: what is wrong, and in which line. Once.
  [[nodiscard]] std::expected<ReplayScript, std::string> finish(std::string_view timing,
                                                                std::string_view session);

 private:
  LogReader log_;
  TransactionCollector collector_;
  std::string wrong_;
};

// The same for a log that is in memory.
[[nodiscard]] std::expected<ReplayScript, std::string> read_script(std::string_view log,
                                                                   std::string_view timing = {},
                                                                   std::string_view session = {});

// A file of the recording's own folder: no slashes, no "..", nothing a shell or terminal would
// mind.
bool is_payload_name(std::string_view name);

}  // namespace ftpscope
