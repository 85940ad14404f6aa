// FEAT promises what works through the proxy, and no more (RFC 2389 3): no TLS under `--tls
// refuse`; with translation of set-ups EPRT and EPSV whether the server has them or not, and no
// set-up that goes past the proxy.
#pragma once

#include "rewriters/rewriter.h"
#include "rewriters/setup_plan.h"
#include "rewriters/tls_policy.h"

namespace ftpscope {

class FeatureFilter final : public Rewriter {
 public:
  FeatureFilter(Tls tls, ServerData wish) : tls_(tls), wish_(wish) {}
  // A reply that is to be filtered must be whole.
  [[nodiscard]] bool applies(const SessionState& state) const {
    return tls_ == Tls::refuse || translates(wish_, state);
  }
  [[nodiscard]] ReplyVerdict on_reply(const Reply& reply, const PendingCommand* answered,
                                      const SessionState& state) const override;

 private:
  [[nodiscard]] bool keeps(std::string_view feature, const SessionState& state) const;
  [[nodiscard]] std::string_view why(const SessionState& state) const;

  Tls tls_;
  ServerData wish_;
};

}  // namespace ftpscope
