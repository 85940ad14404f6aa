// The sockets that clients connect to. Bound first, while the process may still be root; they
// listen when everything else is ready.
#pragma once

#include <expected>
#include <string>

#include "analyzer/endpoint.h"
#include "proxy/io/descriptor.h"
#include "proxy/proxy_mode.h"

namespace ftpscope {

inline constexpr int kBacklog = 4096;  // clients that wait to be let in

// An IPv6 socket takes IPv4 connections as well. `shared`: others of this user may be bound there
// too (SO_REUSEPORT). The error is a sentence.
std::expected<Descriptor, std::string> bind_socket(const Endpoint& address, ProxyMode::Kind kind,
                                                   bool shared = false);

// Why one cannot listen there, from an errno: a sentence that says what to do.
std::string cannot_listen(const Endpoint& address, int error);

}  // namespace ftpscope
