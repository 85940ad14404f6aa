// `--tls refuse`: AUTH is answered 534 (RFC 2228 3), and FEAT does not promise what would be
// refused.
#pragma once

#include "rewriters/rewriter.h"

namespace ftpscope {

enum class Tls : std::uint8_t { pass, refuse };
std::string_view name_of(Tls tls);

class TlsPolicy final : public Rewriter {
 public:
  explicit TlsPolicy(Tls tls) : tls_(tls) {}
  [[nodiscard]] CommandVerdict on_command(const Command& command,
                                          const SessionState& state) const override;
  [[nodiscard]] ReplyVerdict on_reply(const Reply& reply, const PendingCommand* answered,
                                      const SessionState& state) const override;

 private:
  Tls tls_;
};

}  // namespace ftpscope
