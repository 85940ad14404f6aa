#include "rewriters/address_rewriter.h"

#include <algorithm>

namespace ftpscope {

namespace {

Setup setup_of(AddressForm form) {
  switch (form) {
    case AddressForm::port: return Setup::port;
    case AddressForm::eprt: return Setup::eprt;
    case AddressForm::lprt: return Setup::lprt;
    case AddressForm::reply_227: return Setup::pasv;
    case AddressForm::reply_229: return Setup::epsv;
    case AddressForm::reply_228: return Setup::lpsv;
  }
  return Setup::port;
}

std::optional<AddressForm> form_of_code(int code) {
  switch (code) {
    case 227: return AddressForm::reply_227;
    case 228: return AddressForm::reply_228;
    case 229: return AddressForm::reply_229;
    default: return std::nullopt;
  }
}

AddressForm form_asked_for(std::string_view verb) {
  if (verb == "EPSV") return AddressForm::reply_229;
  if (verb == "LPSV") return AddressForm::reply_228;
  return AddressForm::reply_227;
}

// The addresses in a reply and the text around them. A multi-line reply may have one in several
// lines, and clients disagree on which they take: all of them are replaced.
struct Holes {
  std::vector<std::string> parts;
  std::expected<FoundAddress, AddressError> first = std::unexpected(AddressError::missing);
};

std::string_view text_behind_code(std::string_view line, int code) {
  const auto digits = std::to_string(code);
  const auto at = line.find(digits);
  return at == line.npos ? line : line.substr(at + digits.size());
}

Holes cut_holes(const Reply& reply, AddressForm form, const IpAddress& peer) {
  Holes holes;
  std::size_t copied = 0;
  for (const auto line : reply.lines) {
    const auto text = text_behind_code(line, *reply.code);
    const auto found = find_address(form, text, peer);
    if (!holes.first && (found || found.error() != AddressError::missing)) holes.first = found;
    if (!found) continue;
    const auto text_at = static_cast<std::size_t>(text.data() - reply.raw.data());
    holes.parts.emplace_back(reply.raw.substr(copied, text_at + found->begin - copied));
    copied = text_at + found->end;
  }
  holes.parts.emplace_back(reply.raw.substr(copied));
  return holes;
}

// Whom a passive reply really means, and what is to be said about it.
struct Target {
  Endpoint endpoint;
  std::optional<Note> note;
};

Target target_of(const FoundAddress& found, const IpAddress& server, DataAddress policy) {
  if (found.endpoint.ip == server) return {found.endpoint, std::nullopt};
  const auto detail = to_text(found.endpoint) + ", the server is " + to_text(server);
  const auto finding = is_untranslated(found.endpoint.ip, server) ? FindingId::pasv_private
                                                                  : FindingId::pasv_foreign;
  const bool stated = policy == DataAddress::stated && may_be_followed(found.endpoint.ip, server);
  return {{stated ? found.endpoint.ip : server, found.endpoint.port}, Note{finding, detail}};
}

}  // namespace

CommandVerdict AddressRewriter::on_command(const Command& command,
                                           const SessionState& state) const {
  if (command.meaning() != Meaning::port) return {};
  const auto form = form_of(command);
  const auto found = find_address(form, command.argument, state.client_ip);
  if (!found) return {};  // BounceGuard, which stands before us, has refused it
  CommandVerdict verdict;
  auto target = found->endpoint;
  if (target.ip != state.client_ip) {
    const auto finding = is_untranslated(target.ip, state.client_ip) ? FindingId::port_private
                                                                     : FindingId::port_foreign;
    verdict.note = Note{finding, to_text(target) + ", the client is " + to_text(state.client_ip)};
    if (policy_ == DataAddress::peer) target.ip = state.client_ip;
  }
  verdict.action = ExposeAddress{
      form, setup_of(form), Side::server, target, {std::string(command.name) + " ", "\r\n"}};
  verdict.why = "the server's data connection goes through the proxy";
  return verdict;
}

ReplyVerdict AddressRewriter::unusable(FindingId finding, std::string detail) const {
  ReplyVerdict verdict;
  verdict.note = Note{finding, std::move(detail)};
  verdict.why = "the server's address is not usable";
  if (lines_ == Lines::strict) {
    verdict.action = Replace{"425 The server's passive address is not usable.\r\n"};
  }
  return verdict;
}

ReplyVerdict AddressRewriter::on_reply(const Reply& reply, const PendingCommand* answered,
                                       const SessionState& state) const {
  const auto form = reply.code ? form_of_code(*reply.code) : std::nullopt;
  if (!form) return {};
  if (!answered || answered->meaning() != Meaning::passive) {
    return {Pass{}, Note{FindingId::address_unasked, {}}, {}};
  }
  auto holes = cut_holes(reply, *form, state.server_ip);
  if (!holes.first) {
    return unusable(FindingId::pasv_malformed, std::string(name_of(holes.first.error())));
  }
  if (holes.first->endpoint.port < kFirstUnreservedPort) {
    return unusable(FindingId::pasv_reserved, to_text(holes.first->endpoint));
  }
  auto [target, note] = target_of(*holes.first, state.server_ip, policy_);
  if (target == state.proxy) return unusable(FindingId::pasv_foreign, "the proxy itself");
  if (*form != form_asked_for(answered->name())) {
    note = Note{FindingId::pasv_wrong_reply, std::string(answered->name())};
  }
  return {ExposeAddress{*form, setup_of(*form), Side::client, target, std::move(holes.parts)},
          std::move(note), "the client's data connection goes through the proxy"};
}

}  // namespace ftpscope
