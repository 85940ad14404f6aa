#include "rewriters/bounce_guard.h"

namespace ftpscope {

namespace {

CommandVerdict refuse(FindingId finding, std::string_view reply, std::string detail) {
  return {Answer{std::string(reply) + "\r\n"}, Note{finding, std::move(detail)},
          row_of(finding).title};
}

}  // namespace

AddressForm form_of(const Command& command) {
  if (command.name == "EPRT") return AddressForm::eprt;
  if (command.name == "LPRT") return AddressForm::lprt;
  return AddressForm::port;
}

bool is_untranslated(const IpAddress& stated, const IpAddress& seen) {
  const auto scope = scope_of(stated);
  return (scope == Scope::site || scope == Scope::link) && scope_of(seen) == Scope::global;
}

bool may_be_followed(const IpAddress& stated, const IpAddress& seen) {
  switch (const auto scope = scope_of(stated)) {
    case Scope::global:
    case Scope::site: return true;
    case Scope::loopback:
    case Scope::link: return scope_of(seen) == scope;
    case Scope::unspecified:
    case Scope::multicast: return false;
  }
  return false;
}

CommandVerdict BounceGuard::on_command(const Command& command, const SessionState& state) const {
  const auto meaning = command.meaning();
  const bool sets_up_data = meaning == Meaning::port || meaning == Meaning::passive;
  if (state.epsv_all && sets_up_data && command.name != "EPSV") {
    return refuse(FindingId::port_after_epsv_all, "503 Only EPSV is allowed after EPSV ALL.", {});
  }
  if (meaning != Meaning::port) return {};
  const auto found = find_address(form_of(command), command.argument, state.client_ip);
  if (!found) {
    const bool family = found.error() == AddressError::family;
    return refuse(FindingId::port_malformed,
                  family ? "522 Unknown address family, use (1,2)."
                         : "501 The address and port cannot be read.",
                  std::string(name_of(found.error())));
  }
  if (found->endpoint.port < kFirstUnreservedPort) {
    return refuse(FindingId::port_reserved, "501 Ports below 1024 are not allowed.",
                  to_text(found->endpoint));
  }
  if (found->endpoint == state.proxy) {
    return refuse(FindingId::port_foreign, "501 The address must be your own.", "the proxy itself");
  }
  const bool own = found->endpoint.ip == state.client_ip;
  if (own) return {};
  const bool usable = policy_ == DataAddress::stated
                          ? may_be_followed(found->endpoint.ip, state.client_ip)
                          : is_untranslated(found->endpoint.ip, state.client_ip);
  if (usable) return {};
  return refuse(FindingId::port_foreign, "501 The address must be your own.",
                to_text(found->endpoint));
}

}  // namespace ftpscope
