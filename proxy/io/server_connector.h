// Finds a server and connects to it: one or several servers in turn, all addresses of each, each
// address for so long. Who is to be tried in which order is decided elsewhere (server_locator.h).
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "analyzer/record.h"
#include "proxy/io/name_lookup.h"
#include "proxy/io/uv_ptr.h"

namespace ftpscope {

class ServerConnector {
 public:
  static constexpr std::size_t kAddressesMax = 16;  // of one name; more are not tried

  struct Reached {
    UvPtr<uv_tcp_t> tcp;
    HostPort server;
    Endpoint address;
  };
  struct Failure {
    enum class Kind : std::uint8_t { not_found, screened, not_connected };
    Kind kind = Kind::not_found;
    HostPort server;
    Endpoint address;  // that was tried, of not_connected
    std::string why;
  };
  struct Hooks {  // all but `done` may be empty
    // Takes out the addresses that may not be connected to. Why, if it took one out. What is left
    // is connected to as it is: no name is looked up twice.
    std::function<std::string(const HostPort& server, std::vector<Endpoint>& found)> screen;
    // A socket of this owner's, to connect with.
    std::function<UvPtr<uv_tcp_t>(void* owner)> make_socket;
    // The ends of a connection that is being made. False: once more, from another port.
    std::function<bool(const Endpoint& ours, const Endpoint& theirs)> from;
    // Another address or server is tried now.
    std::function<void(const Failure&)> passed_over;
    // Once, at the end; the last failure when nobody was reached.
    std::function<void(std::expected<Reached, Failure>)> done;
  };

  // `timeout`: for each address, with the look-up of its name; zero: for ever.
  ServerConnector(uv_loop_t* loop, Duration timeout) : loop_(loop), timeout_(timeout) {}
  ServerConnector(const ServerConnector&) = delete;
  ServerConnector& operator=(const ServerConnector&) = delete;

  // Once. What is told may come before this returns.
  void connect(std::vector<HostPort> servers, Hooks hooks);

 private:
  void next();
  void next_server();
  void next_address();
  void start_timer();
  void on_timeout();
  void on_located(const std::expected<std::vector<Endpoint>, std::string_view>& found);
  void on_connected(int status);
  void fail(Failure failure);

  uv_loop_t* loop_;
  Duration timeout_;
  Hooks hooks_;
  UvPtr<uv_timer_t> timer_;
  UvPtr<uv_tcp_t> tcp_;
  std::vector<HostPort> servers_;     // still to be tried, the last first
  std::vector<Endpoint> candidates_;  // the same, of server_
  HostPort server_;
  Endpoint tried_;
  std::shared_ptr<bool> looking_up_;  // gone: the answer comes too late
};

// Why, as a sentence.
std::string to_sentence(const ServerConnector::Failure& failure);

}  // namespace ftpscope
