// Recognises a client that speaks something else than FTP at an FTP port: HTTP, SMTP, SSH, TLS,
// rubbish (threats.md S09, S20). Such a session is ended before a byte of it reaches the server.
#pragma once

#include <optional>
#include <string_view>

#include "analyzer/message.h"

namespace ftpscope {

// A TLS record of type handshake; no FTP command starts with that byte (RFC 8446 5.1).
inline bool starts_like_tls(std::string_view bytes) { return bytes.starts_with('\x16'); }

// An alert or a handshake: what either side may begin with.
inline bool is_tls_record(std::string_view bytes) {
  return starts_like_tls(bytes) || bytes.starts_with('\x15');
}

// A balancer's words about a client (proxy_header.h), from one who was not to send them.
inline constexpr std::string_view kProxyProtocol = "the PROXY protocol";

// What it is, in words, when the command is none of FTP.
std::optional<std::string_view> foreign_protocol(const Command& command);

}  // namespace ftpscope
