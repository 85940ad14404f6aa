// Refuses PORT, EPRT and LPRT that would make us, or the server, connect to a third host or to a
// service (RFC 2577 3; threats.md S05, S11), and data commands after EPSV ALL (RFC 2428 4; S16).
#pragma once

#include "rewriters/rewriter.h"

namespace ftpscope {

// Whom to connect to for data: the control connection's peer, or the host that the text names.
enum class DataAddress : std::uint8_t { peer, stated };

inline constexpr std::uint16_t kFirstUnreservedPort = 1024;

class BounceGuard final : public Rewriter {
 public:
  explicit BounceGuard(DataAddress policy) : policy_(policy) {}
  [[nodiscard]] CommandVerdict on_command(const Command& command,
                                          const SessionState& state) const override;

 private:
  DataAddress policy_;
};

// The form of a data command's argument. Asked for PORT, EPRT and LPRT only.
AddressForm form_of(const Command& command);

// --data-address stated may connect there for a peer seen at that address. Never to what is no
// host; to our own loopback or link only for a peer who is there as well (threats.md S05, S17).
bool may_be_followed(const IpAddress& stated, const IpAddress& seen);

// A client inside a NAT that does not translate PORT: it names its private address, we see a public
// one.
bool is_untranslated(const IpAddress& stated, const IpAddress& seen);

}  // namespace ftpscope
