// Lets a client that speaks one form of data connection set-up work with a server that speaks
// another (setup_plan.h): decides, where RFC 2428 and RFC 6384 (FTP64) say how. Also the proxy's
// word on ALGS (RFC 6384 11) and on EPSV with an argument. Does nothing where nothing is
// translated.
#pragma once

#include <utility>

#include "rewriters/bounce_guard.h"
#include "rewriters/rewriter.h"
#include "rewriters/setup_plan.h"

namespace ftpscope {

class SetupTranslator final : public Rewriter {
 public:
  SetupTranslator(ServerData wish, AddressPolicy policy)
      : wish_(wish), policy_(std::move(policy)) {}
  [[nodiscard]] CommandVerdict on_command(const Command& command,
                                          const SessionState& state) const override;

 private:
  [[nodiscard]] CommandVerdict on_algs(const Command& command, const SessionState& state) const;
  [[nodiscard]] CommandVerdict on_epsv_all(const SessionState& state) const;

  ServerData wish_;
  AddressPolicy policy_;
};

}  // namespace ftpscope
