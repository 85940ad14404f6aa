// A session as its transactions: each command with its replies, the data that moved for it and what
// was odd about it. Who plays or compares sessions reads these instead of records; where the
// records come from (log, capture, recording, live session) does not matter. Plain data that owns
// its text; decides nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/record.h"

namespace ftpscope {

struct TransactionReply {
  std::optional<int> code;
  std::string raw;        // all lines with their endings, as the server sent them
  Timestamp time;         // it was whole
  bool asked = true;      // false: nobody asked; it stands behind the replies that came before it
  bool by_proxy = false;  // the server never saw the command

  [[nodiscard]] bool preliminary() const { return code && *code >= 100 && *code < 200; }
  [[nodiscard]] bool final() const { return asked && !preliminary(); }
};

// The data connection that a transfer used.
struct TransactionData {
  Setup setup = Setup::unknown;
  Direction direction = Direction::download;
  std::uint64_t bytes = 0;    // in that direction
  std::uint64_t missing = 0;  // of these, as far as a capture does not have them
  std::string
      payload;  // the name of the file that has them, as the log says; empty: nobody kept them
  std::string sha256;  // of that file, in hexadecimal; empty: not known
  std::optional<Timestamp> connected;
  std::optional<Duration> duration;  // connected to last byte
  std::optional<Side> closed_first;
  ChannelEnd how = ChannelEnd::fin;
  ChannelId channel = 0;
  std::optional<Duration> first_byte;  // since connected
  std::optional<Timestamp> over;       // the last byte came, or without one the end
  std::uint64_t unrecorded = 0;        // bytes at the end that the payload does not have
};

// How a session ended.
struct TransactionsEnd {
  Timestamp time;
  std::optional<Side> by;
  SessionEnd how = SessionEnd::open;
};

struct TransactionFinding {
  FindingId id = FindingId::count_;
  std::string detail;
};

struct Transaction {
  CommandId id = 0;  // 0: the greeting
  std::string verb;  // the table's spelling; "greeting"; "" for an empty line
  std::optional<std::string> argument;
  std::optional<std::string> line;  // as record::Command has it
  bool hidden = false;              // verb or argument was replaced by <hidden>
  bool urgent = false;
  Timestamp sent;  // of the greeting: when the server took the connection
  // The oldest command that had no final reply when this one was sent; none: it came in its turn.
  std::optional<CommandId> behind;
  bool in_transfer = false;  // `behind` had its 1yz by then: sent in mid-transfer, as ABOR is
  std::vector<TransactionReply> replies;
  std::optional<TransactionData> data;
  std::vector<TransactionFinding> findings;

  // The last word on it; null: there was none.
  [[nodiscard]] const TransactionReply* final_reply() const;
  [[nodiscard]] std::optional<int> code() const;  // of that one
  // From the command to its final reply.
  [[nodiscard]] std::optional<Duration> latency() const;
};

struct SessionTransactions {
  std::string session;
  std::optional<Endpoint> client;
  std::string server;  // as asked for, "host:port"; empty: not known
  // In the order of sending; the greeting first, if there is one.
  std::vector<Transaction> transactions;
  std::vector<TransactionFinding> findings;  // of the session as a whole
  bool opaque = false;                       // TLS began: what follows is not known
  std::optional<TransactionsEnd> end;        // none: the log stops before
  bool truncated = false;                    // it has more transactions than are kept
};

// Sorts records into sessions and transactions. Sessions may be interleaved.
class TransactionCollector final : public RecordSink {
 public:
  static constexpr std::size_t kTransactionsMax = 1'000'000;  // of all sessions together

  void record(const Record& record) override;

  // In the order in which they began. The collector is empty afterwards.
  [[nodiscard]] std::vector<SessionTransactions> take();

 private:
  // Where it is in sessions_, and which of its commands wait.
  struct Progress {
    std::size_t place = 0;
    std::set<CommandId> waiting;             // without a final reply
    std::map<CommandId, std::size_t> index;  // in SessionTransactions::transactions
    std::optional<std::size_t> last_answered;
  };

  SessionTransactions& session_of(const Progress& progress) { return sessions_[progress.place]; }
  Progress& progress_of(const Record& record);
  Transaction* transaction_of(Progress& progress, std::optional<CommandId> id);
  Transaction* begin(Progress& progress, CommandId id);
  void on(Progress& progress, const Record& record, const record::Session& body);
  void on(Progress& progress, const Record& record, const record::Connected& body);
  void on(Progress& progress, const Record& record, const record::Command& body);
  void on(Progress& progress, const Record& record, const record::Reply& body);
  void on(Progress& progress, const Record& record, const record::Data& body);
  void on(Progress& progress, const Record& record, const record::Finding& body);
  void on(Progress& progress, const Record& record, const record::Opaque& body);
  void on(Progress& progress, const Record& record, const record::End& body);
  template <class Other>
  void on(Progress&, const Record&, const Other&) {}

  std::vector<SessionTransactions> sessions_;
  std::map<std::string, Progress, std::less<>> progress_;
  std::size_t count_ = 0;
};

}  // namespace ftpscope
