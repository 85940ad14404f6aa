#include "rewriters/setup_translator.h"

#include <algorithm>
#include <cctype>

#include "analyzer/line_rules.h"

namespace ftpscope {

namespace {

bool is_word(std::string_view text, std::string_view word) {
  return std::ranges::equal(text, word,
                            [](unsigned char a, unsigned char b) { return std::toupper(a) == b; });
}

CommandVerdict answer(std::string_view reply, std::string_view why) {
  return {Answer{std::string(reply) + "\r\n"}, std::nullopt, why};
}

// The network protocol that EPSV may name is that between the client and us (RFC 2428 3).
std::optional<CommandVerdict> refuse_protocol(const Command& command, const SessionState& state) {
  const std::string_view own = state.client_ip.v6 ? "2" : "1";
  if (command.argument.empty() || command.argument == own) return std::nullopt;
  if (!std::ranges::all_of(command.argument, [](unsigned char c) { return std::isdigit(c); })) {
    return answer("501 EPSV takes the number of a network protocol, or ALL.", "EPSV");
  }
  return answer("522 Network protocol not supported, use (" + std::string(own) + ").",
                "EPSV for another network protocol");
}

}  // namespace

CommandVerdict SetupTranslator::on_command(const Command& command,
                                           const SessionState& state) const {
  const bool unknown = state.server_ip == IpAddress{};  // the client has not named its server yet
  if (unknown || !may_translate(wish_, state)) return {};
  if (command.name == "ALGS") return on_algs(command, state);
  const auto asked = setup_of_verb(command.name);
  if (!asked || !translates(wish_, state)) return {};
  // It could not be told an address of ours in that form, whatever the server says.
  if (state.client_ip.v6 && form_of(*asked).ipv4_only) return {};
  if (is_epsv_all(command)) return on_epsv_all(state);
  if (*asked == Setup::epsv) {
    if (auto refusal = refuse_protocol(command, state)) return *refusal;
  }
  const auto plan = plan_setup(wish_, *asked, state);
  AskServer action{.asked = *asked, .first = plan.first, .fallback = plan.fallback};
  if (!form_of(*asked).passive) {
    const auto found = find_address(form_of(*asked).form, command.argument, state.client_ip);
    if (!found) return {};  // BounceGuard, which stands before us, has refused it
    const auto [host, rule] = data_target(policy_, state.client_ip, *found, state.client_ip);
    action.client = Endpoint{host, found->endpoint.port};
    action.target_rule = rule;
    action.stated = found->endpoint.ip;
  }
  return {action, std::nullopt,
          wish_ == ServerData::same ? "client and server have different address families"
                                    : "--server-data"};
}

// RFC 6384 11. The tokens name FTP64's translations; ours go further, in the same cases.
CommandVerdict SetupTranslator::on_algs(const Command& command, const SessionState& state) const {
  constexpr std::string_view kWhy = "ALGS is for the proxy";
  const bool enable = is_word(command.argument, "ENABLE64");
  const bool disable = is_word(command.argument, "DISABLE64");
  if (!enable && !disable && !is_word(command.argument, "STATUS64")) {
    return answer("504 ALGS knows STATUS64, ENABLE64 and DISABLE64.", kWhy);
  }
  const bool on = enable || (!disable && !state.translation_off);
  return {Answer{on ? "216 EPSVEPRT Data connection commands are translated.\r\n"
                    : "216 NONE Data connection commands are not translated.\r\n",
                 on},
          std::nullopt, kWhy};
}

// From IPv6 to IPv4 it is refused, whatever the server is asked for (RFC 6384 6). Else a server
// that is not asked for EPSV must not hear that only EPSV will come: we keep the promise
// (BounceGuard).
CommandVerdict SetupTranslator::on_epsv_all(const SessionState& state) const {
  if (state.client_ip.v6 && !state.server_ip.v6) {
    return answer("504 Command not implemented for that parameter.", "RFC 6384 6");
  }
  if (plan_setup(wish_, Setup::epsv, state).first == Setup::epsv) return {};
  return answer("200 Only EPSV from now on.",
                "kept by the proxy: the server is not asked for EPSV");
}

}  // namespace ftpscope
