#include "rewriters/tls_policy.h"

namespace ftpscope {

std::string_view name_of(Tls tls) { return tls == Tls::pass ? "pass" : "refuse"; }

CommandVerdict TlsPolicy::on_command(const Command& command, const SessionState&) const {
  if (tls_ == Tls::pass || command.meaning() != Meaning::authenticate) return {};
  return {Answer{"534 TLS is switched off in this proxy.\r\n"}, Note{FindingId::tls_refused, {}},
          "--tls refuse"};
}

}  // namespace ftpscope
