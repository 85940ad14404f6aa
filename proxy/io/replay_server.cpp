#include "proxy/io/replay_server.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <csignal>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "analyzer/record_json.h"
#include "proxy/io/log_file.h"
#include "proxy/io/recording_folder.h"
#include "proxy/io/replay_session.h"

namespace ftpscope {

namespace {

constexpr int kUsageError = 2;
constexpr int kBacklog = 512;
constexpr std::size_t kClientsMax = 256;
constexpr std::uint64_t kRetryMilliseconds = 500;
constexpr std::string_view kTooMany = "421 Too many clients, try again later.\r\n";

int fail(const std::string& sentence) {
  std::cerr << "ftpscope: " << sentence << '\n';
  return kUsageError;
}

std::expected<Endpoint, std::string> endpoint_of(const HostPort& listen) {
  // All addresses: an IPv6 socket takes IPv4 connections as well.
  if (listen.host.empty() || listen.host == "*") return Endpoint{{{}, true}, listen.port};
  const auto ip = parse_ip(listen.host == "localhost" ? "127.0.0.1" : listen.host);
  if (!ip) return std::unexpected("--listen '" + listen.host + "' is no address of this machine");
  return Endpoint{*ip, listen.port};
}

std::size_t descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::size_t>(limit.rlim_cur);
}

struct ReplayedRecording {
  const Recording& recording;
  const ReplayOptions& options;
};

class ReplayServer {
 public:
  ReplayServer(uv_loop_t* loop, const WorkerOptions& options, LogFile* log,
               const ReplayedRecording& replayed)
      : worker_(loop, options, log),
        context_{worker_, replayed.recording, replayed.options,
                 [this](ReplaySession& session) { remove(session); }} {}

  // Where it listens, or a sentence.
  std::expected<Endpoint, std::string> start(const Endpoint& address);
  void stop();

 private:
  int listen();
  void on_connection(int status);
  void remove(ReplaySession& session);
  std::string new_id();

  Worker worker_;
  ReplaySession::Context context_;
  Endpoint address_;
  UvPtr<uv_tcp_t> listener_;
  UvPtr<uv_timer_t> retry_;
  std::array<UvPtr<uv_signal_t>, 2> signals_;
  std::vector<std::shared_ptr<ReplaySession>> sessions_;
  std::uint64_t count_ = 0;
};

std::expected<Endpoint, std::string> ReplayServer::start(const Endpoint& address) {
  address_ = address;
  if (const int status = listen(); status < 0) {
    const auto hint = status == UV_EADDRINUSE ? "; stop what listens there or choose another port"
                      : status == UV_EACCES   ? "; ports below 1024 need root"
                                              : "";
    return std::unexpected("cannot listen on " + to_text(address) + ": " + uv_strerror(status) +
                           hint);
  }
  address_.port = local_endpoint(descriptor(listener_)).port;
  for (std::size_t i = 0; i < signals_.size(); ++i) {
    signals_[i].reset(new uv_signal_t);
    uv_signal_init(worker_.loop(), signals_[i].get());
    signals_[i]->data = this;
    uv_signal_start(
        signals_[i].get(), [](uv_signal_t* s, int) { static_cast<ReplayServer*>(s->data)->stop(); },
        i == 0 ? SIGTERM : SIGINT);
  }
  return address_;
}

int ReplayServer::listen() {
  listener_ = make_tcp(worker_.loop(), this);
  int status = uv_tcp_bind(listener_.get(), to_socket_address(address_).get(), 0);
  if (status == 0) {
    status = uv_listen(stream(listener_), kBacklog, [](uv_stream_t* handle, int result) {
      static_cast<ReplayServer*>(handle->data)->on_connection(result);
    });
  }
  if (status < 0) listener_.reset();
  return status;
}

void ReplayServer::on_connection(int status) {
  if (status < 0) {
    // Out of descriptors, most likely. libuv would try again at once, and for ever: not before a
    // while.
    listener_.reset();
    if (!retry_) retry_ = make_timer(worker_.loop(), this);
    uv_timer_start(
        retry_.get(),
        [](uv_timer_t* timer) {
          auto* server = static_cast<ReplayServer*>(timer->data);
          if (server->listen() < 0) server->on_connection(UV_EMFILE);
        },
        kRetryMilliseconds, 0);
    return;
  }
  auto client = make_tcp(worker_.loop(), nullptr);
  if (uv_accept(stream(listener_), stream(client)) != 0) return;
  if (sessions_.size() >= kClientsMax || !worker_.take_descriptors(1)) {
    auto word = uv_buf_init(const_cast<char*>(kTooMany.data()), kTooMany.size());
    uv_try_write(stream(client), &word, 1);
    return;
  }
  sessions_.push_back(std::make_shared<ReplaySession>(context_, new_id(), std::move(client)));
  sessions_.back()->start();
}

void ReplayServer::remove(ReplaySession& session) {
  const auto found = std::ranges::find(sessions_, &session, &std::shared_ptr<ReplaySession>::get);
  assert(found != sessions_.end());
  worker_.give_descriptors(1);
  worker_.bury(std::move(*found));  // one of its methods is running
  sessions_.erase(found);
}

// Sortable: the time, then a number.
std::string ReplayServer::new_id() {
  std::string id;
  append_time(id, worker_.now());
  std::erase_if(id, [](char c) { return c == ':' || c == '-'; });
  auto number = std::to_string(++count_);
  number.insert(0, number.size() < 6 ? 6 - number.size() : 0, '0');
  return id + "-" + number;
}

// Closes every handle, so that the loop runs out of work.
void ReplayServer::stop() {
  while (!sessions_.empty()) sessions_.back()->abort();
  listener_.reset();
  retry_.reset();
  for (auto& signal : signals_) signal.reset();
  worker_.shut_down();
}

}  // namespace

int run_replay_server(const ReplayServerOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a log over the file size limit is a full disk
  const auto address = endpoint_of(options.listen);
  if (!address) return fail(address.error());
  auto recording = open_recording(options.recording, options.session, options.log_limit);
  if (!recording) return fail(recording.error());
  Sha256::load();
  if (options.unchecked) {
    forget_hashes(*recording);
  } else if (const auto good = check_payloads(*recording); !good) {
    return fail(good.error());
  }
  std::unique_ptr<LogFile> log;
  if (!options.log.empty()) {
    auto opened = LogFile::open(options.log);
    if (!opened) return fail(opened.error());
    log = std::move(*opened);
  }
  WorkerOptions worker;
  worker.max_descriptors = descriptor_limit();
  worker.data_ports = options.data_ports;
  if (!options.quiet && options.log != "-") worker.terminal = TextStyle{};

  uv_loop_t loop{};
  uv_loop_init(&loop);
  auto server = std::make_unique<ReplayServer>(&loop, worker, log.get(),
                                               ReplayedRecording{*recording, options.replay});
  const auto listening = server->start(*address);
  if (listening) {
    auto& out = options.log == "-" ? std::cerr : std::cout;
    out << "ftpscope: listening on " << to_text(*listening) << ", playing " << options.recording
        << '\n'
        << std::flush;
  } else {
    server->stop();
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  server.reset();
  const int left_open = uv_loop_close(&loop);
  assert(left_open == 0);
  if (left_open != 0) std::cerr << "ftpscope: internal error: handles were left open\n";
  return listening ? 0 : fail(listening.error());
}

}  // namespace ftpscope
