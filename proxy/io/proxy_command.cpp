#include "proxy/io/proxy_command.h"

#include <netdb.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <memory>

#include "proxy/io/listening_socket.h"
#include "proxy/io/options.h"
#include "proxy/io/privileges.h"
#include "proxy/io/proxy_loop.h"
#include "proxy/io/socket_address.h"
#include "proxy/io/worker_processes.h"

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

// One socket for each mode.
std::expected<std::vector<Descriptor>, std::string> bind_sockets(const ProxyOptions& options) {
  std::vector<Descriptor> sockets;
  for (const auto& mode : options.modes) {
    const auto endpoint = listen_endpoint(mode.listen ? *mode.listen : *options.listen);
    if (!endpoint) return std::unexpected(endpoint.error());
    auto bound = bind_socket(*endpoint, mode.kind, options.workers > 1);
    if (!bound) return std::unexpected(bound.error());
    sockets.push_back(std::move(*bound));
  }
  return sockets;
}

// The kernel spreads clients over sockets that are bound to the same place. Where it chose a port
// for the first worker the others get the same.
std::expected<std::vector<std::vector<Descriptor>>, std::string> bind_for_workers(
    ProxyOptions options) {
  std::vector<std::vector<Descriptor>> sockets;
  for (std::size_t worker = 0; worker < options.workers; ++worker) {
    auto bound = bind_sockets(options);
    if (!bound) return std::unexpected(bound.error());
    sockets.push_back(std::move(*bound));
    for (std::size_t mode = 0; mode < options.modes.size(); ++mode) {
      auto& listen = options.modes[mode].listen;
      if (!listen) listen = options.listen;
      listen->port = local_endpoint(sockets.front()[mode].get()).port;
    }
  }
  return sockets;
}

// What the workers must not use twice.
void give_share(ProxyOptions& options, std::size_t worker) {
  options.worker.number = worker;
  options.worker.workers = options.workers;
  options.worker.data_ports = share_of(options.worker.data_ports, worker, options.workers);
  auto& sessions = options.accept.sessions;
  sessions = (sessions + options.workers - 1) / options.workers;
}

// Empty: none.
std::string contradiction(const ProxyOptions& options) {
  const bool translates = options.worker.data_path == DataPathKind::kernel;
  if (translates && !options.record.empty()) {
    return "--record needs the bytes, which --data-path kernel does not show; leave one out";
  }
  if (options.workers > 1 && (translates || !options.record.empty())) {
    return std::string(translates ? "--data-path kernel" : "--record") +
           " is for one worker; leave --workers out";
  }
  const auto& [low, high] = options.worker.data_ports;
  if (low != 0 && high - low + 1U < options.workers) {
    return "there are fewer data ports (--data-ports, --port-map) than --workers";
  }
  return {};
}

void tell(const ProxyOptions& options, const std::vector<Endpoint>& listening) {
  auto& out = options.log == "-" ? std::cerr : std::cout;
  for (std::size_t i = 0; i < listening.size(); ++i) {
    out << "ftpscope: listening on " << to_text(listening[i]) << ", server "
        << server_text(options.modes[i]) << '\n';
  }
  out << std::flush;
  const auto advice = options.user.empty() ? advice_about_root() : std::string{};
  if (!advice.empty()) std::cerr << "ftpscope: " << advice << '\n';
}

KeptRights rights_needed(const ProxyOptions& options) {
  const bool translates = options.worker.data_path == DataPathKind::kernel;
  const auto source_port = options.worker.active_source_port;
  return {.foreign_addresses = std::ranges::any_of(options.modes, uses_tproxy, &ProxyMode::kind),
          .low_ports = translates || (source_port > 0 && source_port < kFirstUnreservedPort),
          .firewall = translates};
}

// From now on clients may connect; whoever serves them takes them from the backlog.
std::expected<void, std::string> listen_on(const std::vector<Descriptor>& sockets) {
  for (const auto& socket : sockets) {
    if (listen(socket.get(), kBacklog) == 0) continue;
    return std::unexpected(cannot_listen(local_endpoint(socket.get()), errno));
  }
  return {};
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
    auto opened = LogFile::open(options.log, options.workers > 1);
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

  const auto ports = data_ports(options.worker);
  if (!ports) return fail(ports.error());
  options.worker.data_ports = *ports;
  const auto problem = contradiction(options);
  if (!problem.empty()) return fail(problem);
  const auto forbidden = source_port_problem(options.worker.active_source_port);
  if (!forbidden.empty()) return fail(forbidden);

  auto sockets = bind_for_workers(options);
  if (!sockets) return fail(sockets.error());
  AddressSources sources;
  const auto& policy = options.worker.interceptor.policy;
  for (const auto* rules : {&policy.advertise, &policy.advertise_server, &policy.data_address}) {
    if (const auto added = sources.add(*rules); !added) return fail(added.error());
  }

  if (const auto done = give_up_root(options); !done) return fail(done.error());
  const auto outputs = open_outputs(options);
  if (!outputs) return fail(outputs.error());

  for (const auto& of_worker : *sockets) {
    const auto listening = listen_on(of_worker);
    if (!listening) return fail(listening.error());
  }
  const auto serve = [&](std::size_t worker, bool again) {
    auto own = options;
    give_share(own, worker);
    auto entrances = std::move((*sockets)[worker]);
    sockets->clear();  // a port is closed when nobody serves it any more
    return run_proxy_loop(own, std::move(entrances), sources, *outputs,
                          [&](const std::vector<Endpoint>& listening) {
                            if (worker == 0 && !again) tell(options, listening);
                          });
  };
  if (options.workers == 1) return serve(0, false);
  return run_worker_processes(options.workers, serve, [&] { sockets->clear(); });
}

}  // namespace ftpscope
