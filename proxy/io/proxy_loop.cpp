#include "proxy/io/proxy_loop.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <csignal>
#include <iostream>

#include "proxy/io/kernel_path.h"
#include "proxy/io/live_recording.h"
#include "proxy/io/live_session.h"
#include "proxy/io/options.h"
#include "proxy/io/server_locator.h"
#include "proxy/io/worker_processes.h"

namespace ftpscope {

namespace {

// `listening` outlives it.
std::unique_ptr<ServerLocator> locator_for(const ProxyMode& mode, const ProxyOptions& options,
                                           const std::vector<Endpoint>& listening) {
  switch (mode.kind) {
    case ProxyMode::Kind::reverse:
      return std::make_unique<FixedServers>(mode.servers, options.balance);
    case ProxyMode::Kind::forward:
      return std::make_unique<NamedServers>(options.destinations, listening);
    case ProxyMode::Kind::transparent:
    case ProxyMode::Kind::tproxy:
    case ProxyMode::Kind::tproxy_nat: return std::make_unique<OriginalDestination>();
  }
  return nullptr;
}

// Where the clients of one mode come in.
struct Entrance {
  // `listening`, where all modes do, outlives it.
  Entrance(Worker& worker, const ProxyMode& mode, const ProxyOptions& options,
           const std::vector<Endpoint>& listening, Descriptor socket)
      : locator(locator_for(mode, options, listening)),
        acceptor(worker, *locator, options.accept, mode.kind, std::move(socket)) {}

  std::unique_ptr<ServerLocator> locator;
  Acceptor acceptor;
};

// The loop, what runs on it, and how signals end it.
class Proxy {
 public:
  // `sockets`: one for each mode.
  Proxy(uv_loop_t* loop, const ProxyOptions& options, std::vector<Descriptor> sockets,
        const Outputs& outputs)
      : loop_(loop), options_(options), worker_(loop, options.worker, outputs.log.get()) {
    for (std::size_t i = 0; i < options.modes.size(); ++i) {
      entrances_.push_back(std::make_unique<Entrance>(worker_, options.modes[i], options,
                                                      listening_, std::move(sockets[i])));
    }
    auto* recording = outputs.recording.get();
    if (recording) {
      recording_.emplace(loop, *recording, options.record_limits);
      worker_.record_to(*recording_);
    }
    if (options.worker.data_path == DataPathKind::kernel) {
      kernel_path_.emplace(loop, options.worker.data_ports);
      worker_.translate_by(*kernel_path_);
      if (const auto& problem = kernel_path_->problem(); !problem.empty()) {
        std::cerr << "ftpscope: --data-path kernel cannot be had, data is relayed: " << problem
                  << '\n';
      }
    }
    worker_.on_session_gone = [this] {
      if (stopping_ && worker_.idle()) finish();
    };
  }

  // Where the modes listen now, or why one of them cannot.
  std::expected<std::vector<Endpoint>, std::string> start() {
    for (const auto& entrance : entrances_) {
      const auto place = entrance->acceptor.listen();
      if (!place) return std::unexpected(place.error());
      listening_.push_back(*place);
    }
    for (std::size_t i = 0; i < signals_.size(); ++i) {
      uv_signal_init(loop_, &signals_[i]);
      signals_[i].data = this;
      uv_signal_start(
          &signals_[i], [](uv_signal_t* s, int) { static_cast<Proxy*>(s->data)->on_signal(); },
          i == 0 ? SIGTERM : SIGINT);
    }
    hear_ending_signals();
    uv_timer_init(loop_, &grace_);
    grace_.data = this;
    return listening_;
  }

  // Reads them again from now on, to the end. They outlive the proxy.
  void keep_fresh(AddressSources& addresses) {
    addresses_ = &addresses;
    addresses.start(loop_, options_.resolve_interval);
  }

  // Nothing was started: closes what the constructor opened.
  void abandon() {
    close_entrances();
    worker_.shut_down();
    if (kernel_path_) kernel_path_->close();
    if (recording_) recording_->close();
  }

 private:
  void on_signal() {
    if (stopping_) {
      end_now();
      return;
    }
    stopping_ = true;
    for (const auto& entrance : entrances_) entrance->acceptor.drain();
    worker_.each_session([](LiveSession& session) { session.feed(event::ShutdownAsked{}); });
    const auto grace = std::chrono::floor<std::chrono::milliseconds>(options_.grace).count();
    if (grace > 0) {
      uv_timer_start(
          &grace_, [](uv_timer_t* timer) { static_cast<Proxy*>(timer->data)->end_now(); },
          static_cast<std::uint64_t>(grace), 0);
    }
    if (worker_.idle()) finish();
  }

  void end_now() {
    worker_.each_session([](LiveSession& session) { session.feed(event::ShutdownAsked{true}); });
    if (recording_) recording_->drain();  // what is told of a payload is told when it is on disk
    worker_.each_session([](LiveSession& session) { session.abort(); });
    finish();
  }

  void close_entrances() {
    for (const auto& entrance : entrances_) entrance->acceptor.close();
  }

  // Closes every handle that is left, so that the loop runs out of work.
  void finish() {
    if (finished_) return;
    finished_ = true;
    if (addresses_) addresses_->close();
    close_entrances();
    worker_.shut_down();
    if (kernel_path_) kernel_path_->close();
    if (recording_) recording_->close();
    for (auto& signal : signals_) uv_close(reinterpret_cast<uv_handle_t*>(&signal), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&grace_), nullptr);
  }

  uv_loop_t* loop_;
  const ProxyOptions& options_;
  std::optional<LiveRecording> recording_;
  std::optional<KernelPath> kernel_path_;
  Worker worker_;
  std::vector<Endpoint> listening_;
  std::vector<std::unique_ptr<Entrance>> entrances_;
  AddressSources* addresses_ = nullptr;
  std::array<uv_signal_t, 2> signals_{};
  uv_timer_t grace_{};
  bool stopping_ = false;
  bool finished_ = false;
};

}  // namespace

int run_proxy_loop(const ProxyOptions& options, std::vector<Descriptor> sockets,
                   AddressSources& sources, const Outputs& outputs,
                   const std::function<void(const std::vector<Endpoint>&)>& ready) {
  uv_loop_t loop{};
  uv_loop_init(&loop);
  auto proxy = std::make_unique<Proxy>(&loop, options, std::move(sockets), outputs);
  const auto listening = proxy->start();
  if (listening) {
    proxy->keep_fresh(sources);
    ready(*listening);
  } else {
    proxy->abandon();
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  proxy.reset();
  const int left_open = uv_loop_close(&loop);
  assert(left_open == 0);
  if (left_open != 0) std::cerr << "ftpscope: internal error: handles were left open\n";
  const auto& [log, recording] = outputs;
  if (log && log->lost() > 0) {
    std::cerr << "ftpscope: " << log->lost() << " records could not be written to the log\n";
  }
  if (recording && !recording->problem().empty()) {
    std::cerr << "ftpscope: " << recording->problem() << '\n';
  }
  if (!listening) std::cerr << "ftpscope: " << listening.error() << '\n';
  return listening ? 0 : kExitUsage;
}

}  // namespace ftpscope
