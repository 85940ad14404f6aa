#include "proxy/io/server_locator.h"

#include <netdb.h>

#include <memory>

namespace ftpscope {

namespace {

struct Lookup {
  uv_getaddrinfo_t request{};
  std::uint16_t port = 0;
  ServerLocator::Found found;
};

void on_looked_up(uv_getaddrinfo_t* request, int status, addrinfo* results) {
  const std::unique_ptr<Lookup> lookup(static_cast<Lookup*>(request->data));
  const std::unique_ptr<addrinfo, decltype(&uv_freeaddrinfo)> owned(results, uv_freeaddrinfo);
  if (status < 0) {
    lookup->found(std::unexpected(uv_strerror(status)));
    return;
  }
  std::vector<Endpoint> endpoints;
  for (const auto* result = results; result; result = result->ai_next) {
    auto endpoint = to_endpoint(result->ai_addr);
    endpoint.port = lookup->port;
    endpoints.push_back(endpoint);
  }
  lookup->found(std::move(endpoints));
}

}  // namespace

void FixedServer::locate(const Endpoint&, Found found) {
  if (const auto ip = parse_ip(server_.host)) {
    found(std::vector<Endpoint>{{*ip, server_.port}});
    return;
  }
  auto lookup = std::make_unique<Lookup>();
  lookup->port = server_.port;
  lookup->found = std::move(found);
  lookup->request.data = lookup.get();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const int status =
      uv_getaddrinfo(loop_, &lookup->request, on_looked_up, server_.host.c_str(), nullptr, &hints);
  if (status < 0) {
    lookup->found(std::unexpected(uv_strerror(status)));
    return;
  }
  static_cast<void>(lookup.release());  // the callback has it now
}

}  // namespace ftpscope
