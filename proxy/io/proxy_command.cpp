#include "proxy/io/proxy_command.h"

#include <netdb.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <memory>

#include "proxy/io/kernel_path.h"
#include "proxy/io/listening_socket.h"
#include "proxy/io/live_recording.h"
#include "proxy/io/live_session.h"
#include "proxy/io/options.h"
#include "proxy/io/privileges.h"
#include "proxy/io/server_locator.h"

namespace ftpscope {

namespace {

int fail(const std::string& sentence) {
  std::cerr << "ftpscope: " << sentence << '\n';
  return kExitUsage;
}

// The soft limit of open files is often 1024; we may raise it as far as the hard one.
std::size_t raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::size_t>(limit.rlim_cur);
}

std::expected<IpAddress, std::string> resolve(const std::string& host, const std::string& option) {
  if (const auto ip = parse_ip(host)) return *ip;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* results = nullptr;
  const int status = getaddrinfo(host.c_str(), nullptr, &hints, &results);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(results, freeaddrinfo);
  if (status != 0) {
    return std::unexpected(option + " '" + host + "' cannot be resolved: " + gai_strerror(status));
  }
  return to_endpoint(results->ai_addr).ip;
}

std::expected<Endpoint, std::string> listen_endpoint(const HostPort& listen) {
  // All addresses: an IPv6 socket takes IPv4 connections as well.
  if (listen.host.empty() || listen.host == "*") return Endpoint{{{}, true}, listen.port};
  const auto ip = resolve(listen.host, "--listen");
  if (!ip) return std::unexpected(ip.error());
  return Endpoint{*ip, listen.port};
}

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

// Null: none.
struct Outputs {
  std::unique_ptr<LogFile> log;
  std::unique_ptr<NewRecording> recording;
};

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

// A port map says where clients' data connections arrive, so data ports outside it are of no use.
std::expected<PortRange, std::string> data_ports(const WorkerOptions& options) {
  const auto& [low, high] = options.data_ports;
  const auto& mapped = options.port_map.listened;
  if (mapped.low == 0 || (low >= mapped.low && high <= mapped.high && low != 0))
    return options.data_ports;
  if (low == 0) return mapped;
  return std::unexpected(
      "--data-ports has ports that are not in --port-map: nobody could reach them");
}

// Whether this process may connect from that port, asked once and not at the first transfer. That
// somebody else uses it now is told when it matters.
std::string source_port_problem(std::uint16_t port) {
  if (port == 0) return {};
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto address = to_socket_address({IpAddress{}, port});
  const bool forbidden = bind(fd, address.get(), address.size) != 0 && errno == EACCES;
  close(fd);
  if (!forbidden) return {};
  return "--active-source-port " + std::to_string(port) +
         " needs root, or: setcap cap_net_bind_service+ep ftpscope";
}

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

std::expected<std::vector<Descriptor>, std::string> bind_sockets(const ProxyOptions& options) {
  std::vector<Descriptor> sockets;
  for (const auto& mode : options.modes) {
    const auto endpoint = listen_endpoint(mode.listen ? *mode.listen : *options.listen);
    if (!endpoint) return std::unexpected(endpoint.error());
    auto bound = bind_socket(*endpoint, mode.kind);
    if (!bound) return std::unexpected(bound.error());
    sockets.push_back(std::move(*bound));
  }
  return sockets;
}

KeptRights rights_needed(const ProxyOptions& options) {
  const bool translates = options.worker.data_path == DataPathKind::kernel;
  const auto source_port = options.worker.active_source_port;
  return {.foreign_addresses = std::ranges::any_of(options.modes, uses_tproxy, &ProxyMode::kind),
          .low_ports = translates || (source_port > 0 && source_port < kFirstUnreservedPort),
          .firewall = translates};
}

// Everything that needs root has been done before, and files belong to the user afterwards.
std::expected<void, std::string> give_up_root(const ProxyOptions& options) {
  if (options.user.empty()) return {};
  const auto account = find_account(options.user);
  if (!account) return std::unexpected(account.error());
  return become(*account, rights_needed(options));
}

std::expected<Outputs, std::string> open_outputs(const ProxyOptions& options) {
  Outputs outputs;
  if (!options.log.empty()) {
    auto opened = LogFile::open(options.log);
    if (!opened) return std::unexpected(opened.error());
    outputs.log = std::move(*opened);
  }
  if (!options.record.empty()) {
    auto opened = NewRecording::open(options.record);
    if (!opened) return std::unexpected(opened.error());
    outputs.recording = std::move(*opened);
  }
  return outputs;
}

}  // namespace

int run_proxy(ProxyOptions options) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a log over the file size limit is a full disk
  const auto descriptors = raise_descriptor_limit();
  auto& max_descriptors = options.worker.max_descriptors;
  if (max_descriptors == 0) max_descriptors = descriptors;
  max_descriptors = std::min(max_descriptors, descriptors);

  const bool translates = options.worker.data_path == DataPathKind::kernel;
  if (translates && !options.record.empty()) {
    return fail("--record needs the bytes, which --data-path kernel does not show; leave one out");
  }
  const auto ports = data_ports(options.worker);
  if (!ports) return fail(ports.error());
  options.worker.data_ports = *ports;
  const auto problem = source_port_problem(options.worker.active_source_port);
  if (!problem.empty()) return fail(problem);

  auto sockets = bind_sockets(options);
  if (!sockets) return fail(sockets.error());
  AddressSources sources;
  const auto& policy = options.worker.interceptor.policy;
  for (const auto* rules : {&policy.advertise, &policy.advertise_server, &policy.data_address}) {
    if (const auto added = sources.add(*rules); !added) return fail(added.error());
  }

  if (const auto done = give_up_root(options); !done) return fail(done.error());
  const auto outputs = open_outputs(options);
  if (!outputs) return fail(outputs.error());

  uv_loop_t loop{};
  uv_loop_init(&loop);
  auto proxy = std::make_unique<Proxy>(&loop, options, std::move(*sockets), *outputs);
  const auto listening = proxy->start();
  if (listening) {
    proxy->keep_fresh(sources);
    auto& out = options.log == "-" ? std::cerr : std::cout;
    for (std::size_t i = 0; i < listening->size(); ++i) {
      out << "ftpscope: listening on " << to_text((*listening)[i]) << ", server "
          << server_text(options.modes[i]) << '\n';
    }
    out << std::flush;
    const auto advice = options.user.empty() ? advice_about_root() : std::string{};
    if (!advice.empty()) std::cerr << "ftpscope: " << advice << '\n';
  } else {
    proxy->abandon();
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  proxy.reset();
  const int left_open = uv_loop_close(&loop);
  assert(left_open == 0);
  if (left_open != 0) std::cerr << "ftpscope: internal error: handles were left open\n";
  const auto& [log, recording] = *outputs;
  if (log && log->lost() > 0) {
    std::cerr << "ftpscope: " << log->lost() << " records could not be written to the log\n";
  }
  if (recording && !recording->problem().empty()) {
    std::cerr << "ftpscope: " << recording->problem() << '\n';
  }
  return listening ? 0 : fail(listening.error());
}

}  // namespace ftpscope
