// How a session finds its server. Today there is one way (reverse: always the same server); the
// login
// (`USER user@host`) and the original destination of a redirected connection will be others.
#pragma once

#include <uv.h>

#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "proxy/io/socket_address.h"

namespace ftpscope {

class ServerLocator {
 public:
  // Addresses in the order in which they are to be tried, or why there are none (a text of libuv's,
  // which lives for ever). Called once, at once or later.
  using Found = std::function<void(std::expected<std::vector<Endpoint>, std::string_view>)>;

  virtual ~ServerLocator() = default;
  virtual void locate(const Endpoint& client, Found found) = 0;
  [[nodiscard]] virtual std::string name() const = 0;
};

class FixedServer final : public ServerLocator {
 public:
  FixedServer(uv_loop_t* loop, HostPort server) : loop_(loop), server_(std::move(server)) {}
  void locate(const Endpoint& client, Found found) override;
  [[nodiscard]] std::string name() const override { return to_text(server_); }

 private:
  uv_loop_t* loop_;
  HostPort server_;
};

}  // namespace ftpscope
