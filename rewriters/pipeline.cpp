#include "rewriters/pipeline.h"

#include "rewriters/address_rewriter.h"
#include "rewriters/setup_translator.h"

namespace ftpscope {

Pipeline::Pipeline(const Policy& policy) {
  rewriters_.push_back(std::make_unique<LineGuard>(policy.lines));
  rewriters_.push_back(std::make_unique<TlsPolicy>(policy.tls));
  rewriters_.push_back(std::make_unique<FeatureFilter>(policy.tls, policy.server_data));
  rewriters_.push_back(std::make_unique<BounceGuard>(policy.data_address));
  rewriters_.push_back(std::make_unique<SetupTranslator>(policy.server_data, policy.data_address));
  rewriters_.push_back(std::make_unique<AddressRewriter>(policy.data_address, policy.lines));
}

CommandVerdict Pipeline::on_command(const Command& command, const SessionState& state,
                                    Notes& notes) const {
  for (const auto& rewriter : rewriters_) {
    auto verdict = rewriter->on_command(command, state);
    if (verdict.note) notes.push_back(std::move(*verdict.note));
    if (!std::holds_alternative<Pass>(verdict.action)) return verdict;
  }
  return {};
}

ReplyVerdict Pipeline::on_reply(const Reply& reply, const PendingCommand* answered,
                                const SessionState& state) const {
  for (const auto& rewriter : rewriters_) {
    auto verdict = rewriter->on_reply(reply, answered, state);
    if (!std::holds_alternative<Pass>(verdict.action)) return verdict;
  }
  return {};
}

}  // namespace ftpscope
