#include "rewriters/address_rewriter.h"

#include "analyzer/address_rules.h"
#include "analyzer/passive_address.h"
#include "analyzer/setup_form.h"

namespace ftpscope {

namespace {

// The text around the addresses in a reply. A multi-line reply may have one in several lines, and
// clients disagree on which they take: all of them are replaced.
std::vector<std::string> cut_holes(const Reply& reply, AddressForm form, const IpAddress& peer) {
  std::vector<std::string> parts;
  std::size_t copied = 0;
  for (const auto line : reply.lines) {
    const auto found = address_in_line(form, line, peer);
    if (!found) continue;
    const auto line_at = static_cast<std::size_t>(line.data() - reply.raw.data());
    parts.emplace_back(reply.raw.substr(copied, line_at + found->begin - copied));
    copied = line_at + found->end;
  }
  parts.emplace_back(reply.raw.substr(copied));
  return parts;
}

std::optional<IpAddress> host_named_by(const FoundAddress& found) {
  return found.names_host ? std::optional(found.endpoint.ip) : std::nullopt;
}

}  // namespace

CommandVerdict AddressRewriter::on_command(const Command& command,
                                           const SessionState& state) const {
  if (command.meaning() != Meaning::port) return {};
  const auto form = form_of_verb(command.name);
  const auto found = find_address(form, command.argument, state.client_ip);
  if (!found) return {};  // BounceGuard, which stands before us, has refused it
  const auto [host, rule] = data_target(policy_, state.client_ip, *found, state.client_ip);
  CommandVerdict verdict;
  verdict.action = ExposeAddress{.form = form,
                                 .setup = setup_of(form),
                                 .facing = Side::server,
                                 .target = Endpoint{host, found->endpoint.port},
                                 .target_rule = rule,
                                 .stated = host_named_by(*found),
                                 .parts = {std::string(command.name) + " ", "\r\n"}};
  verdict.why = "the server's data connection goes through the proxy";
  return verdict;
}

ReplyVerdict AddressRewriter::unusable() const {
  ReplyVerdict verdict;
  verdict.why = "the server's address is not usable";
  if (lines_ == Lines::strict) {
    verdict.action = Replace{"425 The server's passive address is not usable.\r\n"};
  }
  return verdict;
}

ReplyVerdict AddressRewriter::on_reply(const Reply& reply, const PendingCommand* answered,
                                       const SessionState& state) const {
  const auto form = reply.code ? form_of_code(*reply.code) : std::nullopt;
  if (!form || !answered || answered->meaning() != Meaning::passive) return {};
  const auto address = find_passive_address(*form, reply.lines, state.server_ip).found;
  if (!address || address->endpoint.port < kFirstUnreservedPort) return unusable();
  const auto [host, rule] = data_target(policy_, state.client_ip, *address, state.server_ip);
  const Endpoint target{host, address->endpoint.port};
  if (target == state.proxy) return unusable();
  return {ExposeAddress{.form = *form,
                        .setup = setup_of(*form),
                        .facing = Side::client,
                        .target = target,
                        .target_rule = rule,
                        .stated = host_named_by(*address),
                        .parts = cut_holes(reply, *form, state.server_ip)},
          "the client's data connection goes through the proxy"};
}

}  // namespace ftpscope
