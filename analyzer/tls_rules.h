// TLS: what becomes of AUTH and PROT, and what the handshakes in a capture show. Behind AUTH and
// its 234 no command can be read; what is known then is of the connections only.
#pragma once

#include <cstdint>
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
  void on_auth_reply(const record::Reply& reply, int code);
  void tell_refusal(FindingSink& findings);

  CommandId asked_ = 0;  // AUTH TLS or SSL
  CommandId clear_ = 0;  // PROT C
  struct Refused {
    CommandId id = 0;
    int code = 0;
  };
  std::optional<Refused> refused_;  // and not told: the client may try another word
  bool offered_ = false;            // FEAT has listed AUTH
  bool old_told_ = false;
  bool unclosed_told_ = false;
  bool captured_ = false;
  bool opaque_ = false;
  bool clear_told_ = false;
  std::optional<ChannelId> handshake_;  // the latest data connection that had one
  // Data connections: not resumed and closed behind the handshake; all others with TLS.
  std::uint64_t without_data_ = 0;
  std::uint64_t with_data_ = 0;
};

}  // namespace ftpscope
