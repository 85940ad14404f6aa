#include "rewriters/bounce_guard.h"

namespace ftpscope {

namespace {

// AddressRules tells the same finding: it reads the same address from the record of the command.
CommandVerdict refuse(FindingId why, std::string_view reply) {
  return {Answer{std::string(reply) + "\r\n"}, std::nullopt, row_of(why).title};
}

// RFC 1639 4 has a code of its own for the family, and other numbers than RFC 2428 2.
std::string_view refusal(const Command& command, AddressError error) {
  if (error != AddressError::family) return "501 The address and port cannot be read.";
  return command.name == "LPRT" ? "521 Supported address families are (4, 6)."
                                : "522 Unknown address family, use (1,2).";
}

}  // namespace

AddressDecision data_target(const AddressPolicy& policy, const IpAddress& client,
                            const FoundAddress& stated, const IpAddress& peer) {
  const auto named = stated.names_host ? std::optional(stated.endpoint.ip) : std::nullopt;
  return policy.decide({.client = client,
                        .stated = named,
                        .peer = peer,
                        .judged = named,
                        .seen = peer,
                        .v6 = peer.v6});
}

CommandVerdict BounceGuard::on_command(const Command& command, const SessionState& state) const {
  const auto meaning = command.meaning();
  const bool sets_up_data = meaning == Meaning::port || meaning == Meaning::passive;
  if (state.epsv_all && sets_up_data && command.name != "EPSV") {
    return refuse(FindingId::port_after_epsv_all, "503 Only EPSV is allowed after EPSV ALL.");
  }
  if (meaning != Meaning::port) return {};
  const auto found = find_address(form_of_verb(command.name), command.argument, state.client_ip);
  if (!found) {
    return refuse(FindingId::port_malformed, refusal(command, found.error()));
  }
  if (found->endpoint.port < kFirstUnreservedPort) {
    return refuse(FindingId::port_reserved, "501 Ports below 1024 are not allowed.");
  }
  const bool own = found->endpoint.ip == state.client_ip;
  const bool proxy = found->endpoint == state.proxy;
  if (own && !proxy) return {};
  // Another one is only taken for the client's own if a NAT that does not translate explains it.
  const auto target = data_target(policy_, state.client_ip, *found, state.client_ip).ip;
  const bool usable =
      target != state.client_ip || is_untranslated(found->endpoint.ip, state.client_ip);
  if (usable && !proxy) return {};
  return refuse(FindingId::port_foreign, "501 The address must be your own.");
}

}  // namespace ftpscope
