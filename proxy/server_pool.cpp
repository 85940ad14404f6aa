#include "proxy/server_pool.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "proxy/proxy_mode.h"

namespace ftpscope {

namespace {

// FNV-1a, its end stirred (splitmix64): alike on every machine, which std::hash does not promise.
std::uint64_t hash_of(const IpAddress& client, std::string_view server) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  const auto add = [&hash](std::uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3U; };
  constexpr std::size_t kNetworkBytes = 8;
  const std::size_t counted = client.v6 ? kNetworkBytes : client.bytes.size();
  for (std::size_t i = 0; i < counted; ++i) add(client.bytes[i]);
  for (const char c : server) add(static_cast<std::uint8_t>(c));
  hash = (hash ^ (hash >> 30U)) * 0xbf58476d1ce4e5b9U;
  hash = (hash ^ (hash >> 27U)) * 0x94d049bb133111ebU;
  return hash ^ (hash >> 31U);
}

}  // namespace

ServerPool::ServerPool(std::vector<HostPort> servers, const BalanceOptions& options)
    : options_(options), name_(to_text(servers)) {
  for (auto& server : servers) servers_.push_back({std::move(server), {}});
}

std::vector<HostPort> ServerPool::order(const IpAddress& client, Timestamp now) {
  auto servers = servers_;
  switch (options_.balance) {
    case Balance::first_up: break;
    case Balance::round_robin:
      std::ranges::rotate(servers, servers.begin() + static_cast<std::ptrdiff_t>(turn_));
      turn_ = (turn_ + 1) % servers.size();
      break;
    case Balance::client:
      // Rendezvous hashing: when a server is added or taken out, only its own clients move.
      std::ranges::sort(servers, std::greater(), [&client](const Server& server) {
        return hash_of(client, to_text(server.server));
      });
      break;
  }
  std::vector<HostPort> order;
  std::vector<HostPort> resting;
  for (auto& [server, failed] : servers) {
    const bool rests = failed && now - *failed < options_.rest;
    (rests ? resting : order).push_back(std::move(server));
  }
  order.insert(order.end(), resting.begin(), resting.end());
  return order;
}

void ServerPool::failed(const HostPort& server, Timestamp now) {
  for (auto& one : servers_) {
    if (one.server == server) one.failed = now;
  }
}

void ServerPool::reached(const HostPort& server) {
  for (auto& one : servers_) {
    if (one.server == server) one.failed.reset();
  }
}

}  // namespace ftpscope
