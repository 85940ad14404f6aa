// How a session finds its server: one way for each kind of mode (proxy/proxy_mode.h).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "analyzer/endpoint.h"
#include "analyzer/host_port.h"

namespace ftpscope {

// A client's connection.
struct Arrival {
  Endpoint client;
  Endpoint proxy;  // where it reached us
};

class ServerLocator {
 public:
  virtual ~ServerLocator() = default;
  // The servers for this client, in the order in which they are to be tried. Empty: nobody knows.
  virtual std::vector<HostPort> servers_for(const Arrival& arrival) = 0;
  // As asked for: what the log's `session` record says.
  [[nodiscard]] virtual std::string name(const Arrival& arrival) const = 0;
};

// --mode reverse
class FixedServers final : public ServerLocator {
 public:
  explicit FixedServers(std::vector<HostPort> servers) : servers_(std::move(servers)) {}
  std::vector<HostPort> servers_for(const Arrival&) override { return servers_; }
  [[nodiscard]] std::string name(const Arrival&) const override {
    return to_text(servers_.front());
  }

 private:
  std::vector<HostPort> servers_;
};

}  // namespace ftpscope
