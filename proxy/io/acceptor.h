// Listens for clients and lets them in, or answers 421 where a limit is reached. Never spins and
// never runs out of descriptors silently: those that are refused do not stay when many are, and on
// an error of accept(2) it stops listening for a while (libuv 1.44 would close pending connections
// without a word and try again for ever).
#pragma once

#include <expected>
#include <string>

#include "proxy/io/server_locator.h"
#include "proxy/io/uv_ptr.h"
#include "proxy/io/worker.h"

namespace ftpscope {

struct AcceptLimits {  // zero: no limit
  static constexpr std::size_t kSessionsMax = 4096;
  static constexpr std::size_t kSessionsOfClientMax = 50;

  std::size_t sessions = kSessionsMax;
  std::size_t sessions_per_client = kSessionsOfClientMax;
};

class Acceptor {
 public:
  Acceptor(Worker& worker, ServerLocator& locator, const AcceptLimits& limits)
      : worker_(worker), locator_(locator), limits_(limits) {}
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Where it listens now, or why it cannot.
  std::expected<Endpoint, std::string> listen(const Endpoint& address);
  void drain() { draining_ = true; }  // new clients get 421
  void close();

 private:
  int listen_again();
  void on_connection(int status);
  [[nodiscard]] std::string_view refusal(const IpAddress& client) const;
  void pause();

  Worker& worker_;
  ServerLocator& locator_;
  AcceptLimits limits_;
  Endpoint address_;
  UvPtr<uv_tcp_t> listener_;
  UvPtr<uv_timer_t> retry_;
  bool draining_ = false;
};

}  // namespace ftpscope
