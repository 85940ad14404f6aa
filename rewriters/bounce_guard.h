// Refuses PORT, EPRT and LPRT that would make us, or the server, connect to a third host or to a
// service (RFC 2577 3; threats.md S05, S11), and data commands after EPSV ALL (RFC 2428 4; S16).
#pragma once

#include "analyzer/address_rules.h"
#include "rewriters/rewriter.h"

namespace ftpscope {

// Whom to connect to for data: the control connection's peer, or the host that the text names (if
// anybody can mean that one: threats.md S05, S17).
enum class DataAddress : std::uint8_t { peer, stated };

class BounceGuard final : public Rewriter {
 public:
  explicit BounceGuard(DataAddress policy) : policy_(policy) {}
  [[nodiscard]] CommandVerdict on_command(const Command& command,
                                          const SessionState& state) const override;

 private:
  DataAddress policy_;
};

}  // namespace ftpscope
