// Refuses PORT, EPRT and LPRT that would make us, or the server, connect to a third host or to a
// service (RFC 2577 3; threats.md S05, S11), and data commands after EPSV ALL (RFC 2428 3; S16).
#pragma once

#include <utility>

#include "analyzer/address_rules.h"
#include "rewriters/address_policy.h"
#include "rewriters/rewriter.h"

namespace ftpscope {

// Whom to connect to for data when `peer`, as it is seen, states an address: the control
// connection's other end, or whom the rules say (but nobody whom it cannot mean: threats.md S05,
// S17).
AddressDecision data_target(const AddressPolicy& policy, const IpAddress& client,
                            const FoundAddress& stated, const IpAddress& peer);

class BounceGuard final : public Rewriter {
 public:
  explicit BounceGuard(AddressPolicy policy) : policy_(std::move(policy)) {}
  [[nodiscard]] CommandVerdict on_command(const Command& command,
                                          const SessionState& state) const override;

 private:
  AddressPolicy policy_;
};

}  // namespace ftpscope
