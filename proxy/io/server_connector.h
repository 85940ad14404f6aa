// Finds a server and connects to it: its addresses in turn, each for so long. For who is a client
// itself; the proxy's sessions do this with their client waiting (live_session.h).
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "analyzer/record.h"
#include "proxy/io/name_lookup.h"
#include "proxy/io/uv_ptr.h"

namespace ftpscope {

class ServerConnector {
 public:
  // Connected, or a sentence. Once.
  using Tell = std::function<void(std::expected<UvPtr<uv_tcp_t>, std::string>)>;
  // Why none of these may be connected to, as a sentence; empty: they may.
  using Veto = std::function<std::string(const std::vector<Endpoint>&)>;

  ServerConnector(uv_loop_t* loop, HostPort server, Duration timeout)
      : loop_(loop), server_(std::move(server)), timeout_(timeout) {}
  ServerConnector(const ServerConnector&) = delete;
  ServerConnector& operator=(const ServerConnector&) = delete;

  void connect(Veto veto, Tell tell);

 private:
  void on_located(const std::expected<std::vector<Endpoint>, std::string_view>& found);
  void connect_next();
  void on_connected(int status);
  void end(std::expected<UvPtr<uv_tcp_t>, std::string> result);

  uv_loop_t* loop_;
  HostPort server_;
  Duration timeout_;
  Veto veto_;
  Tell tell_;
  UvPtr<uv_timer_t> timer_;
  UvPtr<uv_tcp_t> tcp_;
  std::vector<Endpoint> candidates_;  // still to be tried, the last first
  Endpoint tried_;
};

}  // namespace ftpscope
