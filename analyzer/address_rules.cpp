#include "analyzer/address_rules.h"

#include <algorithm>
#include <string>

#include "analyzer/network.h"
#include "analyzer/sent_address.h"
#include "analyzer/setup_form.h"
#include "analyzer/verbs.h"

namespace ftpscope {

namespace {

using enum FindingId;

Meaning meaning_of(std::string_view verb) {
  const auto* row = find_verb(verb);
  return row ? row->meaning : Meaning::plain;
}

bool is_all(const record::Command& command) {
  return command.verb == "EPSV" && command.argument &&
         std::ranges::equal(*command.argument, std::string_view("ALL"),
                            [](char a, char b) { return (a & ~0x20) == b; });
}

// DrFTPD's slaves hold the files: it has to hear the transfer's command before it can tell a port.
bool wants_pret(const record::Reply& reply) {
  const auto names_it = [](std::string_view line) { return line.contains("PRET"); };
  return reply.code == 503 && std::ranges::any_of(reply.lines, names_it);
}

std::string refusal_text(const record::Reply& reply, bool over_ipv6) {
  auto text = std::to_string(*reply.code);
  if (wants_pret(reply)) text += ", it wants PRET first";
  return over_ipv6 ? text + ", and over IPv6 there is no other way but EPSV and EPRT" : text;
}

}  // namespace

AddressForm form_of_verb(std::string_view verb) {
  if (verb == "EPRT") return AddressForm::eprt;
  if (verb == "LPRT") return AddressForm::lprt;
  return AddressForm::port;
}

bool is_untranslated(const IpAddress& stated, const IpAddress& seen) {
  const auto scope = scope_of(stated);
  return (scope == Scope::site || scope == Scope::link) && scope_of(seen) == Scope::global;
}

bool is_unroutable(const IpAddress& stated, const IpAddress& seen) {
  switch (const auto scope = scope_of(stated)) {
    case Scope::unspecified:
    case Scope::multicast: return true;
    case Scope::loopback:
    case Scope::link: return scope_of(seen) != scope;
    case Scope::global:
    case Scope::site: return false;
  }
  return false;
}

bool neighbours(const IpAddress& a, const IpAddress& b) {
  constexpr unsigned kBitsV4 = 24;
  constexpr unsigned kBitsV6 = 64;
  return Network{a, a.v6 ? kBitsV6 : kBitsV4}.contains(b);
}

void AddressRules::on(const record::Session& session, Timestamp, FindingSink&) {
  client_ = session.client;
  proxy_ = session.proxy;
  // In a capture the session names the server itself; for a proxy that is only what was asked for.
  if (!session.proxy) server_ = parse_endpoint(session.server);
}

void AddressRules::on(const record::Connected& connected, Timestamp, FindingSink&) {
  server_ = connected.server;
}

void AddressRules::on(const record::Gap&, Timestamp, FindingSink&) { out_of_step_ = true; }

void AddressRules::on(const record::Command& command, Timestamp, FindingSink& findings) {
  out_of_step_ = false;
  const auto meaning = meaning_of(command.verb);
  if (meaning != Meaning::port && meaning != Meaning::passive) return;
  if (!asked_) asked_ = std::make_unique<Asked>();
  *asked_ = {.id = command.id, .epsv_all = is_all(command)};
  if (meaning == Meaning::port) {
    asked_->told_server = sent_address(command.verb, command.argument.value_or(""));
  }
  const bool ipv4_only = command.verb == "PASV" || command.verb == "PORT";
  if (ipv4_only && client_ && client_->ip.v6 && !ipv6_told_) {
    ipv6_told_ = true;
    findings.finding(ipv4_command_over_ipv6, command.id, command.verb);
  }
  if (epsv_all_ && command.verb != "EPSV") {
    asked_->own_address = false;
    findings.finding(port_after_epsv_all, command.id);
  } else if (meaning == Meaning::port) {
    check_port(command, findings);
  }
}

// The server is told what the proxy made of it.
void AddressRules::on(const record::Rewrite& rewrite, Timestamp, FindingSink&) {
  if (!asked_ || !setup_of_verb(rewrite.what)) return;
  const auto end = rewrite.after.find_last_not_of("\r\n") + 1;
  const auto line = std::string_view(rewrite.after).substr(0, end);
  const auto blank = std::min(line.find(' '), line.size());
  asked_->told_server = sent_address(line.substr(0, blank), line.substr(std::min(blank + 1, end)));
}

// Some servers say which address they have heard.
void AddressRules::check_echo(const record::Reply& reply, FindingSink& findings) {
  if (!asked_ || !asked_->told_server) return;
  const auto told = *asked_->told_server;
  for (const auto line : reply.lines) {
    const auto heard = echoed_address(reply.verb, line);
    if (!heard) continue;
    const bool other_host = heard->ip && *heard->ip != told.ip;
    if (!other_host && heard->port == told.port) continue;
    findings.finding(port_changed, reply.to,
                     to_text(told) + " was sent, the server heard " +
                         (heard->ip ? to_text(Endpoint{*heard->ip, heard->port})
                                    : "port " + std::to_string(heard->port)));
    asked_->told_server.reset();
    return;
  }
}

void AddressRules::check_port(const record::Command& command, FindingSink& findings) {
  const auto tell = [&](FindingId id, std::string_view detail) {
    asked_->own_address = false;
    findings.finding(id, command.id, detail);
  };
  if (command.redacted) {  // PORT is hidden for one reason only
    return tell(port_malformed, "control characters in it");
  }
  const auto peer = client_ ? client_->ip : IpAddress{};
  const auto found = find_address(form_of_verb(command.verb), command.argument.value_or(""), peer);
  if (!found) return tell(port_malformed, name_of(found.error()));
  const auto& stated = found->endpoint;
  const auto text = to_text(stated);
  if (stated.port < kFirstUnreservedPort) return tell(port_reserved, text);
  if (!client_) return;
  if (proxy_ && stated == *proxy_) return tell(port_foreign, "the proxy itself");
  if (stated.ip == client_->ip) {
    const bool outside = !proxy_ && server_ && is_untranslated(stated.ip, server_->ip);
    if (outside) asked_->inside = stated;
    return;
  }
  const auto detail = text + ", the client is " + to_text(client_->ip);
  if (is_unroutable(stated.ip, client_->ip)) return tell(port_unroutable, detail);
  tell(is_untranslated(stated.ip, client_->ip) ? port_private : port_foreign, detail);
}

void AddressRules::on(const record::Reply& reply, Timestamp, FindingSink& findings) {
  greeted_ = greeted_ || reply.to == CommandId{0};
  if (!reply.code) return;
  if (!reply.by_proxy) check_echo(reply, findings);
  if (reply.preliminary) return;
  const int code = *reply.code;
  const bool completed = code >= 200 && code < 300;
  // The proxy may have answered EPSV ALL for a server that is never asked for EPSV.
  if (completed && answers_all(reply)) epsv_all_ = true;
  if (reply.by_proxy) return;
  if (const auto form = form_of_code(code)) check_passive(reply, *form, findings);
  if (completed && reply.verb == "REIN") epsv_all_ = false;
  const bool transfer = is_transfer(meaning_of(reply.verb));
  if (transfer && code == 425) tell_inside(findings);
  if (!asked_ || reply.to != asked_->id || asked_->epsv_all) return;
  if (refuses_for_good(code) || wants_pret(reply)) check_refusal(reply, findings);
}

void AddressRules::check_passive(const record::Reply& reply, AddressForm form,
                                 FindingSink& findings) const {
  const auto asked = form_asked_for(reply.verb);
  if (!asked) {
    // In a capture the command may be missing.
    const bool surely = reply.to || (greeted_ && !out_of_step_);
    if (surely) findings.finding(address_unasked, reply.to);
    return;
  }
  if (form != *asked) findings.finding(pasv_wrong_reply, reply.to, reply.verb);
  const auto address = find_passive_address(form, reply.lines, server_ ? server_->ip : IpAddress{});
  if (!address.found) {
    if (!reply.redacted && !answers_all(reply)) {
      findings.finding(pasv_malformed, reply.to, name_of(address.found.error()));
    }
    return;
  }
  const auto odd = odd_form(form, reply.lines, address);
  if (!odd.empty()) {
    findings.finding(form == AddressForm::reply_229 ? epsv_form : pasv_form, reply.to, odd);
  }
  check_endpoint(reply, address.found->endpoint, findings);
}

void AddressRules::check_endpoint(const record::Reply& reply, const Endpoint& stated,
                                  FindingSink& findings) const {
  const auto text = to_text(stated);
  if (stated.port < kFirstUnreservedPort) {
    findings.finding(pasv_reserved, reply.to, text);
    return;
  }
  if (!server_) return;
  if (proxy_ && stated == *proxy_) {
    findings.finding(pasv_foreign, reply.to, "the proxy itself");
    return;
  }
  if (stated.ip == server_->ip) return;
  const auto detail = text + ", the server is " + to_text(server_->ip);
  if (is_unroutable(stated.ip, server_->ip)) {
    findings.finding(pasv_unroutable, reply.to, detail);
  } else {
    const bool inside = is_untranslated(stated.ip, server_->ip);
    findings.finding(inside ? pasv_private : pasv_foreign, reply.to, detail);
  }
}

// Captured at the client, a private address looks like the right one, and it is if a NAT translates
// it on the way. When the server then refuses it or cannot connect, none did.
bool AddressRules::tell_inside(FindingSink& findings) {
  if (!asked_ || !asked_->inside) return false;
  const auto detail = to_text(*asked_->inside) + ", the server is " + to_text(server_->ip);
  asked_->inside.reset();
  findings.finding(port_private, asked_->id, detail);
  return true;
}

void AddressRules::check_refusal(const record::Reply& reply, FindingSink& findings) {
  const bool over_ipv6 = server_ ? server_->ip.v6 : client_ && client_->ip.v6;
  const auto tell = [&](FindingId id, bool last_way) {
    findings.finding(id, reply.to, refusal_text(reply, last_way));
  };
  if (tell_inside(findings)) return;
  if (reply.verb == "EPSV") tell(epsv_refused, over_ipv6);
  if (reply.verb == "EPRT") tell(eprt_refused, over_ipv6);
  if (reply.verb == "PASV") tell(pasv_refused, false);
  if (reply.verb == "PORT" && asked_->own_address) tell(port_refused, false);
}

}  // namespace ftpscope
