// Several servers that are as good as each other: which one a client gets, and which next when that
// one cannot be reached. Knows no sockets; nothing is shared with another instance, and none is
// needed: `client` gives the same order everywhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/host_port.h"
#include "analyzer/record.h"

namespace ftpscope {

enum class Balance : std::uint8_t {
  first_up,     // the first in the list that can be reached
  round_robin,  // each in its turn
  client,       // a client address (a /64 of IPv6) stays with its server
};

struct BalanceOptions {
  Balance balance = Balance::first_up;
  Duration rest = std::chrono::seconds(30);  // who could not be reached is tried last for so long
};

class ServerPool {
 public:
  // One server at least.
  ServerPool(std::vector<HostPort> servers, const BalanceOptions& options);

  // All servers, in the order in which they are to be tried for this client.
  std::vector<HostPort> order(const IpAddress& client, Timestamp now);
  void failed(const HostPort& server, Timestamp now);
  void reached(const HostPort& server);
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  struct Server {
    HostPort server;
    std::optional<Timestamp> failed;
  };

  std::vector<Server> servers_;
  BalanceOptions options_;
  std::size_t turn_ = 0;
  std::string name_;
};

}  // namespace ftpscope
