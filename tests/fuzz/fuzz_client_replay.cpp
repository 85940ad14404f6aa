// A recording from a stranger (threats.md S34), planned and said to a server that is no better:
// whatever the recorded commands are, each reaches the wire as one line or not at all, and every
// session ends. Input: a byte of settings, a substitution "FROM=TO", the recorded session, then
// what the server does, with 0x1e between them. The session is its commands with 0x1d between them:
// a byte of kFlags, the verb, a space, the argument, and the line as it was spelled behind 0x1c if
// it has one; then LF and the replies. Of what the server does each step begins with a letter
// (Act), and 0x1e ends it. In the end it behaves.
#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "analyzer/address_codec.h"
#include "proxy/client_replay_result.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/second_reader.h"

namespace ftpscope::fuzz {
namespace {

const Endpoint kHere{IpAddress::v4(192, 0, 2, 9), 40000};
const Endpoint kServer{IpAddress::v4(198, 51, 100, 2), 21};
const ClientLogin kLogin{"ann", "secret"};

enum Flag : unsigned {
  hidden = 1,
  urgent = 2,
  ahead = 4,
  in_transfer = 8,
  moved = 16,
  by_client = 32,
  by_proxy = 64,
};

Input input_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TransactionReply reply_of(std::string_view text, bool by_proxy) {
  TransactionReply reply;
  const auto start = reply_start(text);
  if (start) reply.code = start->code;
  reply.raw = text;
  reply.by_proxy = by_proxy;
  return reply;
}

Transaction transaction_of(std::string_view text, CommandId id) {
  auto input = input_of(text);
  const unsigned flags = input.byte();
  auto said = input_of(input.until('\n'));
  Transaction transaction;
  transaction.id = id;
  auto words = input_of(said.until('\x1c'));
  transaction.verb = words.until(' ');
  if (!words.empty()) transaction.argument = words.rest();
  if (!said.empty()) transaction.line = said.rest();
  transaction.hidden = (flags & hidden) != 0;
  transaction.urgent = (flags & urgent) != 0;
  if ((flags & ahead) != 0 && id > 1) transaction.behind = id - 1;
  transaction.in_transfer = (flags & in_transfer) != 0;
  transaction.replies.push_back(reply_of(input.rest(), (flags & by_proxy) != 0));
  if ((flags & moved) != 0) {
    TransactionData data;
    data.bytes = text.size();
    data.payload = text;  // opened by nobody here: PayloadSource takes plain names only
    data.connected = Timestamp{};
    data.closed_first = (flags & by_client) != 0 ? Side::client : Side::server;
    transaction.data = data;
  }
  return transaction;
}

SessionTransactions session_of(std::string_view text) {
  auto input = input_of(text);
  SessionTransactions session;
  session.session = "recorded";
  for (CommandId id = 0; !input.empty(); ++id) {
    session.transactions.push_back(transaction_of(input.until('\x1d'), id));
  }
  return session;
}

class World final : public play::Effects {
 public:
  World(const ClientScript& script, const ClientReplayOptions& options)
      : script_(script), machine_(script, options, "played", played_, *this) {
    feed(play::Connected{kServer, kHere});
  }

  // One step of the input.
  void act(std::string_view step) {
    if (step.empty()) return;
    switch (step[0]) {
      case 's': feed(play::Received{step.substr(1)}); break;
      case 'a': answer(); break;
      case 'o': connect_data(); break;
      case 'p': pause(); break;
      case 'd': end_data(step.size()); break;
      case 't': pass_time(); break;
      case 'l': listens_ = false; break;
      case 'c': feed(play::Closed{}); break;
      case 'r': feed(play::Closed{true}); break;
      default: break;
    }
  }
  // A server that does what it should, and time passes.
  void play_to_its_end() {
    const auto most = 100 + 20 * script_.steps.size();
    for (std::size_t i = 0; !machine_.finished(); ++i) {
      check(i < most, "every session ends");
      if (!greeted_) {
        greeted_ = true;
        feed(play::Received{"220 Hello\r\n"});
      } else if (leaving_) {
        feed(play::Closed{});
      } else if (!asked_.empty()) {
        answer();
        connect_data();
        if (receiving_ || sending_) end_data(10);
      } else {
        pass_time();
      }
    }
  }
  void compare() {
    auto played = played_.take();
    const auto result = compare_replay(script_, machine_, played.at(0), {});
    check(result.played == lines_, "what was said is what was played");
    check(result.comparison.rows.size() <= script_.expected.transactions.size(),
          "no more is compared than was recorded");
  }

 private:
  void feed(const play::Event& event) {
    events_.push_back(event);
    while (!events_.empty()) {
      const auto next = events_.front();
      events_.pop_front();
      machine_.handle(next, now_);
    }
  }
  void pass_time() {
    const auto due = machine_.deadline();
    check(due || !open_.empty() || machine_.finished(), "somebody watches over the session");
    if (due) {
      now_ = std::max(now_, *due);
      feed(play::TimerFired{});
    } else if (!machine_.finished()) {
      end_data(0);
    }
  }
  void answer() {
    if (asked_.empty()) return;
    const auto verb = asked_.front();
    asked_.pop_front();
    feed(play::Received{reply_to(verb)});
  }
  static std::string_view reply_to(std::string_view verb) {
    if (verb == "USER") return "331 Password\r\n";
    if (verb == "PASS") return "230 In\r\n";
    if (verb == "PASV") return "227 Passive (198,51,100,2,200,1)\r\n";
    if (verb == "EPSV") return "229 Passive (|||51201|)\r\n";
    if (verb == "LPSV") return "228 Passive (4,4,198,51,100,2,2,200,1)\r\n";
    const auto* row = find_verb(verb);
    return row && is_transfer(row->meaning) ? "150 Here\r\n226 Done\r\n" : "200 Yes\r\n";
  }
  // The oldest one that is not connected yet.
  void connect_data() {
    const auto found = std::ranges::find(open_, false);
    if (found == open_.end()) return;
    *found = true;
    feed(play::DataConnected{{kHere, kServer}});
  }
  void pause() {
    if (receiving_ && !open_.empty() && open_.back()) feed(play::DataPaused{});
  }
  void end_data(std::uint64_t bytes) {
    if (open_.empty()) return;
    DataTotals totals;
    if (open_.front()) {
      totals.leg = Leg{kHere, kServer};
      totals.connected = now_;
      totals.bytes = bytes;
    }
    open_.erase(open_.begin());
    receiving_ = sending_ = false;
    feed(play::DataOver{totals});
  }

  // --- play::Effects ---

  void send(std::string_view bytes, std::optional<std::size_t> urgent_byte) override {
    check(!machine_.finished() && !leaving_, "nothing is said behind the end", bytes);
    check(++lines_ <= script_.steps.size(), "each command is said once at most", bytes);
    check(!urgent_byte || *urgent_byte < bytes.size(), "the urgent byte is one of them", bytes);
    check(bytes.size() <= LineSplitter::kLineMax, "a line has a limit");
    auto text = bytes;
    check(text.ends_with('\n'), "a line has an end", bytes);
    text.remove_suffix(text.ends_with("\r\n") ? 2 : 1);
    check(text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos, "one line", bytes);
    for (const auto dialect : kDialects) {
      check(commands_of(bytes, dialect).size() <= 1, "one command for any server", bytes);
    }
    for (const auto& line : address_commands_for_anyone(bytes)) {
      check(listening_told_ && line.find(own_address(line)) != line.npos,
            "no address but our own is told", bytes);
    }
    const auto command = read_command(text);
    if (command.verb == "PASS") check(command.argument == kLogin.password, "our password", bytes);
    if (command.verb == "USER") check(command.argument == kLogin.user, "our name", bytes);
    asked_.push_back(command.verb);
  }
  static std::string own_address(std::string_view line) {
    const auto form = line.starts_with("EPRT")   ? AddressForm::eprt
                      : line.starts_with("LPRT") ? AddressForm::lprt
                                                 : AddressForm::port;
    return format_address(form, kHere);
  }
  void finish() override { leaving_ = true; }
  void listen_data() override {
    if (!listens_) {
      listens_ = true;
      events_.push_back(play::ListenFailed{});
      return;
    }
    open_.push_back(false);
    listening_told_ = true;
    events_.push_back(play::Listening{kHere});
  }
  void connect_data(std::uint16_t port) override {
    check(port != 0, "a port");
    open_.push_back(false);
  }
  void receive(const play::Reading&) override {
    check(!open_.empty() && !receiving_ && !sending_, "there is a connection to read");
    receiving_ = true;
  }
  void resume_data() override {}
  void send_payload(const ScriptPayload&, ChannelId channel) override {
    check(channel != 0, "a payload has a channel");
    sending_ = true;
  }
  void close_data() override {
    for (; !open_.empty(); open_.erase(open_.begin())) events_.push_back(play::DataOver{});
    receiving_ = sending_ = false;
  }
  void end() override { check(!std::exchange(ended_, true), "a session ends once"); }

  const ClientScript& script_;
  TransactionCollector played_;
  ClientReplay machine_;
  Timestamp now_{};
  std::deque<play::Event> events_;  // caused by effects
  std::deque<std::string> asked_;   // verbs that were not answered
  std::vector<bool> open_;          // data connections, and whether they stand
  std::size_t lines_ = 0;
  bool listens_ = true;
  bool listening_told_ = false;
  bool receiving_ = false;
  bool sending_ = false;
  bool greeted_ = false;
  bool leaving_ = false;
  bool ended_ = false;
};

}  // namespace
}  // namespace ftpscope::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ftpscope;
  using namespace ftpscope::fuzz;
  Input input(data, size);
  const unsigned settings = input.byte();
  ClientReplayOptions options;
  options.mode = static_cast<DataMode>(settings % 4);
  options.pipelined = (settings & 4U) != 0;
  std::vector<Substitution> substitutions;
  if (auto parsed = parse_substitution(input.until('\x1e'))) substitutions.push_back(*parsed);
  const auto recorded = session_of(input.until('\x1e'));
  const auto script = plan_client_replay(recorded, kLogin, substitutions);
  check(script.steps.size() <= recorded.transactions.size(), "a step for a command at most");
  World world(script, options);
  while (!input.empty()) world.act(input.until('\x1e'));
  world.play_to_its_end();
  world.compare();
  return 0;
}
