#include <doctest/doctest.h>

#include <map>
#include <set>

#include "proxy/server_pool.h"

namespace ftpscope {

namespace {

using std::chrono::seconds;

constexpr Timestamp kNow{seconds(1'800'000'000)};
const IpAddress kClient = IpAddress::v4(192, 0, 2, 9);

HostPort server(const std::string& name) { return {name, 21}; }

std::string names(const std::vector<HostPort>& servers) {
  std::string text;
  for (const auto& one : servers) text += one.host;
  return text;
}

ServerPool pool(Balance balance, const std::string& letters = "abc") {
  std::vector<HostPort> servers;
  for (const char letter : letters) servers.push_back(server({letter}));
  return {servers, {.balance = balance}};
}

IpAddress client(std::size_t number) {
  return IpAddress::v4(10, 0, static_cast<std::uint8_t>(number / 256),
                       static_cast<std::uint8_t>(number % 256));
}

}  // namespace

TEST_CASE("first-up keeps the order; who failed is tried last until it has rested") {
  auto servers = pool(Balance::first_up);
  CHECK(servers.name() == "a:21,b:21,c:21");
  CHECK(names(servers.order(kClient, kNow)) == "abc");
  servers.failed(server("a"), kNow);
  CHECK(names(servers.order(kClient, kNow)) == "bca");
  servers.failed(server("c"), kNow + seconds(10));
  CHECK(names(servers.order(kClient, kNow + seconds(29))) == "bac");
  CHECK(names(servers.order(kClient, kNow + seconds(30))) == "abc");
  servers.failed(server("b"), kNow + seconds(30));
  servers.reached(server("b"));
  CHECK(names(servers.order(kClient, kNow + seconds(50))) == "abc");
  servers.failed(server("nobody"), kNow);
  CHECK(names(servers.order(kClient, kNow + seconds(50))) == "abc");
}

TEST_CASE("round-robin gives each its turn, whoever asks") {
  auto servers = pool(Balance::round_robin);
  CHECK(names(servers.order(kClient, kNow)) == "abc");
  CHECK(names(servers.order(client(1), kNow)) == "bca");
  servers.failed(server("c"), kNow);
  CHECK(names(servers.order(kClient, kNow)) == "abc");
  CHECK(names(servers.order(kClient, kNow)) == "abc");
  CHECK(names(servers.order(kClient, kNow)) == "bac");
}

TEST_CASE("a client keeps its server, and all servers have clients") {
  auto servers = pool(Balance::client);
  auto more = pool(Balance::client, "abcd");
  std::map<std::string, std::size_t> clients;
  std::size_t moved = 0;
  constexpr std::size_t kClients = 3000;
  for (std::size_t i = 0; i < kClients; ++i) {
    const auto first = names(servers.order(client(i), kNow));
    CHECK(names(servers.order(client(i), kNow)) == first);
    ++clients[first.substr(0, 1)];
    const auto now = names(more.order(client(i), kNow)).substr(0, 1);
    if (now == first.substr(0, 1)) continue;
    ++moved;
    CHECK(now == "d");  // nobody moves but to the new one
  }
  CHECK(clients.size() == 3);
  for (const auto& [name, count] : clients) CHECK(count > kClients / 4);
  CHECK(moved > kClients / 5);
  CHECK(moved < kClients / 3);
}

TEST_CASE("a host with many IPv6 addresses is one client; another instance gives the same order") {
  auto servers = pool(Balance::client, "abcdefgh");
  auto others = pool(Balance::client, "hgfedcba");
  const auto one = *parse_ip("2001:db8:1:2::1");
  CHECK(names(servers.order(one, kNow)) ==
        names(servers.order(*parse_ip("2001:db8:1:2:ffff::9"), kNow)));
  CHECK(names(servers.order(one, kNow)) == names(others.order(one, kNow)));
}

}  // namespace ftpscope
