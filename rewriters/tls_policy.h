// `--tls refuse`: AUTH is answered 534 (RFC 2228 3). FEAT: feature_filter.h.
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

 private:
  Tls tls_;
};

}  // namespace ftpscope
