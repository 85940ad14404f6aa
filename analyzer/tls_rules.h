// TLS: what becomes of AUTH and PROT, and what the handshakes in a capture show. Behind AUTH and
// its 234 no command can be read; what is known then is of the connections only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "analyzer/record.h"

namespace ftpscope {

// A reply that complains of a data connection whose TLS session is not that of the control
// connection (vsftpd's require_ssl_reuse, ProFTPD, FileZilla Server, Pure-FTPd).
bool names_session_reuse(std::span<const std::string_view> lines);

class TlsRules {
 public:
  void on(const record::Session& session, Timestamp now, FindingSink& findings);
  void on(const record::Command& command, Timestamp now, FindingSink& findings);
  void on(const record::Reply& reply, Timestamp now, FindingSink& findings);
  void on(const record::Opaque& opaque, Timestamp now, FindingSink& findings);
  void on(const record::Tls& tls, Timestamp now, FindingSink& findings);
  void on(const record::Data& data, Timestamp now, FindingSink& findings);
  void on(const record::End& end, Timestamp now, FindingSink& findings);

 private:
  struct Refused {
    CommandId id = 0;
    int code = 0;
  };
  // What sessions need that speak of TLS.
  struct Memory {
    CommandId asked = 0;             // AUTH TLS or SSL
    CommandId clear = 0;             // PROT C
    std::optional<Refused> refused;  // and not told: the client may try another word
    bool offered = false;            // FEAT has listed AUTH
    bool old_told = false;
    bool unclosed_told = false;
    bool clear_told = false;
    std::optional<ChannelId> handshake;  // the latest data connection that had one
    // Data connections: not resumed and closed behind the handshake; all others with TLS.
    std::uint64_t without_data = 0;
    std::uint64_t with_data = 0;
  };

  Memory& memory();
  void on_auth_reply(const record::Reply& reply, int code);
  void tell_refusal(FindingSink& findings);

  bool captured_ = false;
  bool opaque_ = false;
  std::unique_ptr<Memory> memory_;
};

}  // namespace ftpscope
