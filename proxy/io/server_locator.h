// How a session finds its server: one way for each kind of mode (proxy/proxy_mode.h).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "analyzer/endpoint.h"
#include "analyzer/host_port.h"
#include "analyzer/record.h"
#include "proxy/destination_policy.h"
#include "proxy/server_pool.h"

namespace ftpscope {

// A client's connection.
struct Arrival {
  Endpoint client;
  Endpoint proxy;          // where it reached us
  Endpoint destination{};  // where it connected to: the same, unless it was redirected to us
  bool as_server = false;  // towards the client we have the server's address (TPROXY)
  bool as_client = false;  // towards the server, the client's
  // It came through a balancer, which connected from here, and which the client had reached there.
  std::optional<Endpoint> balancer = std::nullopt;
  std::optional<Endpoint> reached = std::nullopt;
};

class ServerLocator {
 public:
  virtual ~ServerLocator() = default;
  // The servers for this client, in the order in which they are to be tried. Empty: nobody knows.
  virtual std::vector<HostPort> servers_for(const Arrival& arrival, Timestamp now) = 0;
  // The client is to name its server, and is greeted by us.
  [[nodiscard]] virtual bool login_names_server() const { return false; }
  // Takes out of the addresses of a server those that may not be connected to. Why, if any.
  virtual std::string screen(const HostPort&, std::vector<Endpoint>&) { return {}; }
  // What became of connecting to one of them.
  virtual void unreachable(const HostPort&, Timestamp) {}
  virtual void reached(const HostPort&) {}
  // As asked for: what the log's `session` record says.
  [[nodiscard]] virtual std::string name(const Arrival& arrival) const = 0;
};

// --mode reverse
class FixedServers final : public ServerLocator {
 public:
  FixedServers(std::vector<HostPort> servers, const BalanceOptions& balance)
      : pool_(std::move(servers), balance) {}
  std::vector<HostPort> servers_for(const Arrival& arrival, Timestamp now) override {
    return pool_.order(arrival.client.ip, now);
  }
  void unreachable(const HostPort& server, Timestamp now) override { pool_.failed(server, now); }
  void reached(const HostPort& server) override { pool_.reached(server); }
  [[nodiscard]] std::string name(const Arrival&) const override { return pool_.name(); }

 private:
  ServerPool pool_;
};

// --mode transparent, in all its forms: the server is the one that the client connected to.
class OriginalDestination final : public ServerLocator {
 public:
  std::vector<HostPort> servers_for(const Arrival& arrival, Timestamp) override {
    return {{to_text(arrival.destination.ip), arrival.destination.port}};
  }
  [[nodiscard]] std::string name(const Arrival& arrival) const override {
    return to_text(arrival.destination);
  }
};

// --mode forward
class NamedServers final : public ServerLocator {
 public:
  // `policy` and `listening`, where we are, outlive this.
  NamedServers(const DestinationPolicy& policy, const std::vector<Endpoint>& listening)
      : policy_(policy), listening_(listening) {}
  std::vector<HostPort> servers_for(const Arrival&, Timestamp) override { return {}; }
  [[nodiscard]] std::string name(const Arrival&) const override { return "forward"; }
  [[nodiscard]] bool login_names_server() const override { return true; }
  std::string screen(const HostPort& server, std::vector<Endpoint>& found) override;

 private:
  const DestinationPolicy& policy_;
  const std::vector<Endpoint>& listening_;
};

// Whether a connection to `address` would arrive at one of the places where we listen.
bool is_ourselves(const Endpoint& address, const std::vector<Endpoint>& listening);

}  // namespace ftpscope
