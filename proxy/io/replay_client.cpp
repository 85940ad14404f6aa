#include "proxy/io/replay_client.h"

#include <algorithm>
#include <cassert>
#include <csignal>
#include <fstream>
#include <iostream>
#include <memory>
#include <utility>

#include "analyzer/report_text.h"
#include "analyzer/transfer.h"
#include "proxy/client_replay_result.h"
#include "proxy/io/client_session.h"
#include "proxy/io/expectation_options.h"
#include "proxy/io/live_recording.h"
#include "proxy/io/log_file.h"
#include "proxy/io/new_recording.h"
#include "proxy/io/options.h"
#include "proxy/io/server_connector.h"
#include "proxy/io/session_source.h"

namespace ftpscope {

namespace {

constexpr int kExitDiffers = 1;

int fail(const std::string& sentence) {
  std::cerr << "ftpscope: " << sentence << '\n';
  return kExitUsage;
}

using Problem = std::optional<std::string>;  // a sentence

// What is to be played, and where it is from.
struct Recorded {
  SessionSource source;
  const SessionTransactions* session = nullptr;
  ClientScript script;
};

std::expected<ClientLogin, std::string> login_of(const ReplayClientOptions& options) {
  auto login = options.login;
  if (options.password_file.empty()) return login;
  std::ifstream file(options.password_file, std::ios::binary);
  if (!std::getline(file, login.password)) {
    return std::unexpected("cannot read a password from '" + options.password_file + "'");
  }
  if (login.password.ends_with('\r')) login.password.pop_back();
  return login;
}

// The first in which something was said, if none is named.
const SessionTransactions* choose(const SessionSource& source, const std::string& name) {
  const auto found = std::ranges::find_if(source.sessions, [&](const SessionTransactions& session) {
    return name.empty() ? session.transactions.size() > 1 : session.session.ends_with(name);
  });
  return found == source.sessions.end() ? nullptr : &*found;
}

std::expected<std::unique_ptr<Recorded>, std::string> open_recorded(
    const ReplayClientOptions& options) {
  const auto login = login_of(options);
  if (!login) return std::unexpected(login.error());
  auto source = SessionSource::open(options.recording, {}, LogReading::as_written);
  if (!source) return std::unexpected(source.error());
  for (const auto& complaint : source->complaints) std::cerr << "ftpscope: " << complaint << '\n';
  auto recorded = std::make_unique<Recorded>(Recorded{std::move(*source), nullptr, {}});
  recorded->session = choose(recorded->source, options.session);
  if (!recorded->session) {
    return std::unexpected(options.recording + " has no session " +
                           (options.session.empty()
                                ? std::string("with a command in it")
                                : "whose name ends with '" + options.session + "'"));
  }
  for (const auto& transaction : recorded->session->transactions) {
    if (!transaction.data || transaction.data->direction != Direction::upload) continue;
    if (auto wrong = recorded->source.what_is_wrong_with(*transaction.data); !wrong.empty()) {
      return std::unexpected("an upload cannot be sent again: " + wrong);
    }
  }
  recorded->script = plan_client_replay(*recorded->session, *login, options.substitutions);
  return recorded;
}

// Where the records of the played session go: a log, a recording, both or nowhere.
struct Outputs {
  std::unique_ptr<LogFile> log;
  std::unique_ptr<NewRecording> recording;

  Problem open(const ReplayClientOptions& options) {
    if (!options.log.empty()) {
      auto opened = LogFile::open(options.log);
      if (!opened) return opened.error();
      log = std::move(*opened);
    }
    if (options.record.empty()) return {};
    auto opened = NewRecording::open(options.record);
    if (!opened) return opened.error();
    recording = std::move(*opened);
    return {};
  }
  // What could not be written.
  [[nodiscard]] std::string problem() const {
    if (log && log->lost() > 0) return "not all of the log could be written";
    return recording ? recording->problem() : "";
  }
};

// Connects, plays, and lets the loop run out of work.
class ReplayClient {
 public:
  ReplayClient(const ReplayClientOptions& options, Worker& worker, NewRecording* recording,
               ClientSession::Context context)
      : options_(options),
        worker_(worker),
        context_(std::move(context)),
        connector_(worker.loop(), options.connect_timeout),
        stopper_(make_timer(worker.loop(), this)) {
    context_.on_over = [this] { stop(); };
    if (!recording) return;
    recording_.emplace(worker.loop(), *recording, options.record_limits);
    worker_.record_to(*recording_);
  }

  void start() {
    const auto screen = [this](const HostPort&, std::vector<Endpoint>& found) {
      auto why = veto(found);
      if (!why.empty()) found.clear();
      return why;
    };
    const auto done = [this](auto reached) {
      if (!reached) {
        problem_ = to_sentence(reached.error());
        stop();
        return;
      }
      session_ = std::make_unique<ClientSession>(context_, std::move(reached->tcp));
      session_->start();
    };
    connector_.connect(
        {options_.server},
        {.screen = screen, .make_socket = {}, .from = {}, .passed_over = {}, .done = done});
  }
  // Null: it never began, and problem() says why.
  [[nodiscard]] ClientSession* session() { return session_.get(); }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  [[nodiscard]] std::string veto(const std::vector<Endpoint>& found) const {
    const auto remote = std::ranges::find_if(
        found, [](const Endpoint& endpoint) { return scope_of(endpoint.ip) != Scope::loopback; });
    if (remote == found.end()) return {};
    if (!options_.allow_remote) {
      return to_text(remote->ip) + " is another machine: --allow-remote lets the recording be " +
             "played there";
    }
    const auto writing = context_.script.writing_steps();
    if (options_.allow_write || writing.empty()) return {};
    return "the recording writes (" + writing + "): --allow-write lets it";
  }

  // Not at once: a method of the session may be running.
  void stop() {
    uv_timer_start(
        stopper_.get(),
        [](uv_timer_t* timer) {
          auto* client = static_cast<ReplayClient*>(timer->data);
          client->worker_.shut_down();
          if (client->recording_) client->recording_->close();
          client->stopper_.reset();
        },
        0, 0);
  }

  const ReplayClientOptions& options_;
  Worker& worker_;
  ClientSession::Context context_;
  std::optional<LiveRecording> recording_;
  ServerConnector connector_;
  UvPtr<uv_timer_t> stopper_;
  std::unique_ptr<ClientSession> session_;
  std::string problem_;
};

// Listings are compared by what is in them. They were kept in memory, by the channel they came
// over.
PayloadReader reader_of_played(const ClientSession& session, SessionTransactions& played) {
  for (auto& transaction : played.transactions) {
    if (!transaction.data || !session.listing_of(transaction.data->channel)) continue;
    transaction.data->payload = std::to_string(transaction.data->channel);
  }
  return [&session](const std::string& name) -> std::optional<std::string> {
    const auto channel = parse_count(name);
    return channel ? session.listing_of(static_cast<ChannelId>(*channel)) : std::nullopt;
  };
}

int compare(const Recorded& recorded, ClientSession& session, const ReplayClientOptions& options) {
  auto played = session.take_played();
  auto how = options.comparison;
  how.payload_of_a = recorded.source.payloads();
  how.payload_of_b = reader_of_played(session, played);
  auto result = compare_replay(recorded.script, session.machine(), played, how);
  for (const auto& what : result.left_out) {
    std::cerr << "ftpscope: not played: " << what << '\n';
  }
  const Comparison comparison{options.recording,
                              to_text(options.server),
                              {std::move(result.comparison)},
                              check_expectations(options.expectations, {&played, 1})};
  if (options.log == "-") {
    std::cerr << comparison_text(comparison, options.output.text);  // standard output is the log's
  } else if (const auto problem = write_comparison(comparison, options.output)) {
    return fail(*problem);
  }
  if (!comparison.as_expected()) return kExitNotAsExpected;
  return comparison.same() ? 0 : kExitDiffers;
}

int play_and_compare(const Recorded& recorded, Outputs& outputs, const ReplayClientOptions& options,
                     uv_loop_t* loop) {
  WorkerOptions worker_options;
  if (!options.quiet && options.log != "-") worker_options.terminal = TextStyle{};
  Worker worker(loop, worker_options, outputs.log.get());
  ReplayClient client(options, worker, outputs.recording.get(),
                      {worker,
                       recorded.script,
                       options.replay,
                       options.data,
                       options.data_ports,
                       recorded.source.folder(),
                       {}});
  client.start();
  uv_run(loop, UV_RUN_DEFAULT);
  if (!client.session()) return fail(client.problem());
  const int code = compare(recorded, *client.session(), options);
  if (const auto problem = outputs.problem(); !problem.empty()) return fail(problem);
  return code;
}

}  // namespace

int run_replay_client(const ReplayClientOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a log over the file size limit is a full disk
  const auto recorded = open_recorded(options);
  if (!recorded) return fail(recorded.error());
  Outputs outputs;
  if (const auto problem = outputs.open(options)) return fail(*problem);
  uv_loop_t loop{};
  uv_loop_init(&loop);
  const int code = play_and_compare(**recorded, outputs, options, &loop);
  const int left_open = uv_loop_close(&loop);
  assert(left_open == 0);
  if (left_open != 0) std::cerr << "ftpscope: internal error: handles were left open\n";
  return code;
}

}  // namespace ftpscope
