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
  Endpoint proxy;          // where it reached us
  Endpoint destination{};  // where it connected to: the same, unless it was redirected to us
  bool as_server = false;  // towards the client we have the server's address (TPROXY)
  bool as_client = false;  // towards the server, the client's
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

// --mode transparent, in all its forms: the server is the one that the client connected to.
class OriginalDestination final : public ServerLocator {
 public:
  std::vector<HostPort> servers_for(const Arrival& arrival) override {
    return {{to_text(arrival.destination.ip), arrival.destination.port}};
  }
  [[nodiscard]] std::string name(const Arrival& arrival) const override {
    return to_text(arrival.destination);
  }
};

}  // namespace ftpscope
