#include "proxy/io/name_lookup.h"

#include <netdb.h>

#include <memory>

namespace ftpscope {

namespace {

struct Lookup {
  uv_getaddrinfo_t request{};
  std::uint16_t port = 0;
  AddressesFound found;
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

void look_up(uv_loop_t* loop, const HostPort& server, AddressesFound found) {
  if (const auto ip = parse_ip(server.host)) {
    found(std::vector<Endpoint>{{*ip, server.port}});
    return;
  }
  auto lookup = std::make_unique<Lookup>();
  lookup->port = server.port;
  lookup->found = std::move(found);
  lookup->request.data = lookup.get();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const int status =
      uv_getaddrinfo(loop, &lookup->request, on_looked_up, server.host.c_str(), nullptr, &hints);
  if (status < 0) {
    lookup->found(std::unexpected(uv_strerror(status)));
    return;
  }
  static_cast<void>(lookup.release());  // the callback has it now
}

}  // namespace ftpscope
