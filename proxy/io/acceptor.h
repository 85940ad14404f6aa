// Listens for clients and lets them in, or answers 421 where a limit is reached. Never spins and
// never runs out of descriptors silently: those that are refused do not stay when many are, and on
// an error of accept(2) it stops listening for a while (libuv 1.44 would close pending connections
// without a word and try again for ever).
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/io/descriptor.h"
#include "proxy/io/header_wait.h"
#include "proxy/io/server_locator.h"
#include "proxy/io/uv_ptr.h"
#include "proxy/io/worker.h"
#include "proxy/proxy_mode.h"

namespace ftpscope {

struct AcceptLimits {  // zero: no limit
  static constexpr std::size_t kSessionsMax = 4096;
  static constexpr std::size_t kSessionsOfClientMax = 50;
  static constexpr std::size_t kHeaderWaitsMax = 1024;  // connections whose PROXY header is awaited

  std::size_t sessions = kSessionsMax;
  std::size_t sessions_per_client = kSessionsOfClientMax;
};

class Acceptor {
 public:
  // `socket` is bound (listening_socket.h).
  Acceptor(Worker& worker, ServerLocator& locator, const AcceptLimits& limits, ProxyMode::Kind kind,
           Descriptor socket);
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Where it listens now, or why it cannot.
  std::expected<Endpoint, std::string> listen();
  void drain() { draining_ = true; }  // new clients get 421
  void close();

 private:
  int listen_again();
  void on_connection(int status);
  void await_header(UvPtr<uv_tcp_t> client);
  void on_header(HeaderWait& wait);
  [[nodiscard]] Arrival arrival_of(int fd) const;
  [[nodiscard]] bool is_ours(const Arrival& arrival) const;
  [[nodiscard]] std::string_view refusal(const Arrival& arrival) const;
  void pause();

  Worker& worker_;
  ServerLocator& locator_;
  AcceptLimits limits_;
  ProxyMode::Kind kind_;
  // Listens also while nobody is accepted: clients wait in its backlog.
  std::optional<Descriptor> socket_;
  Endpoint address_;
  UvPtr<uv_tcp_t> listener_;
  UvPtr<uv_timer_t> retry_;
  std::vector<std::shared_ptr<HeaderWait>> waits_;
  bool draining_ = false;
};

}  // namespace ftpscope
