// Makes both data connections run through the proxy: says which address in a command or a reply is
// to be exposed, and where the hole is that our own address goes into.
#pragma once

#include "rewriters/bounce_guard.h"
#include "rewriters/line_guard.h"
#include "rewriters/rewriter.h"

namespace ftpscope {

class AddressRewriter final : public Rewriter {
 public:
  AddressRewriter(AddressPolicy policy, Lines lines) : policy_(std::move(policy)), lines_(lines) {}

  [[nodiscard]] CommandVerdict on_command(const Command& command,
                                          const SessionState& state) const override;
  // An address in a reply counts only while a passive command waits for it (threats.md S07).
  [[nodiscard]] ReplyVerdict on_reply(const Reply& reply, const PendingCommand* answered,
                                      const SessionState& state) const override;

 private:
  [[nodiscard]] ReplyVerdict unusable() const;

  AddressPolicy policy_;
  Lines lines_;
};

}  // namespace ftpscope
