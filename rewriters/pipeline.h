// The rewriters in their order. The first that does not pass a message decides; all may note.
#pragma once

#include <memory>
#include <vector>

#include "rewriters/bounce_guard.h"
#include "rewriters/feature_filter.h"
#include "rewriters/line_guard.h"
#include "rewriters/rewriter.h"
#include "rewriters/tls_policy.h"

namespace ftpscope {

struct Policy {
  Lines lines = Lines::raw;
  Tls tls = Tls::pass;
  AddressPolicy data_address{"--data-address"};
  // Asked by the Interceptor, which knows where we listen.
  AddressPolicy advertise{"--advertise"};
  AddressPolicy advertise_server{"--advertise-server"};
  ServerData server_data = ServerData::same;
};

class Pipeline {
 public:
  // With no rewriters: everything passes, data connections do not run through the proxy.
  Pipeline() = default;
  explicit Pipeline(const Policy& policy);

  [[nodiscard]] bool empty() const { return rewriters_.empty(); }

  using Notes = std::vector<Note>;
  [[nodiscard]] CommandVerdict on_command(const Command& command, const SessionState& state,
                                          Notes& notes) const;
  [[nodiscard]] ReplyVerdict on_reply(const Reply& reply, const PendingCommand* answered,
                                      const SessionState& state) const;

 private:
  std::vector<std::unique_ptr<const Rewriter>> rewriters_;
};

}  // namespace ftpscope
