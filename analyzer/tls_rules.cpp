#include "analyzer/tls_rules.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "analyzer/verbs.h"

namespace ftpscope {

namespace {

using enum FindingId;

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

bool has_word(std::string_view text, std::string_view word) {
  return !std::ranges::search(text, word, {}, upper).empty();
}

bool asks_for_tls(const record::Command& command) {
  constexpr auto kMechanisms =
      std::to_array<std::string_view>({"TLS", "SSL", "TLS-C", "TLS-P"});  // RFC 4217 2
  return command.argument && std::ranges::any_of(kMechanisms, [&](std::string_view mechanism) {
           return std::ranges::equal(*command.argument, mechanism, {}, upper);
         });
}

// RFC 8996: everything before TLS 1.2.
bool is_old(std::string_view version) {
  constexpr auto kOld = std::to_array<std::string_view>({"1.0", "1.1", "3.0", "2.0"});
  return has_word(version, "SSL") || std::ranges::find(kOld, version) != kOld.end();
}

bool is_transfer_verb(std::string_view name) {
  const auto* verb = find_verb(name);
  return verb && is_transfer(verb->meaning);
}

}  // namespace

bool names_session_reuse(std::span<const std::string_view> lines) {
  return std::ranges::any_of(lines, [](std::string_view line) {
    return has_word(line, "REUSE") || has_word(line, "RESUM") || has_word(line, "RE-USE");
  });
}

TlsRules::Memory& TlsRules::memory() {
  if (!memory_) memory_ = std::make_unique<Memory>();
  return *memory_;
}

void TlsRules::on(const record::Session& session, Timestamp, FindingSink&) {
  captured_ = !session.proxy;
}

void TlsRules::on(const record::Opaque&, Timestamp, FindingSink&) { opaque_ = true; }

void TlsRules::on(const record::Command& command, Timestamp, FindingSink& findings) {
  if (command.verb == "AUTH") {
    memory().asked = asks_for_tls(command) ? command.id : 0;
    return;
  }
  if (command.verb == "PROT") {
    memory().clear = command.argument && *command.argument == "C" ? command.id : 0;
  }
  const bool may_go_on = command.verb == "FEAT" || command.verb == "HOST" || command.verb == "HELP";
  if (!may_go_on) tell_refusal(findings);
}

void TlsRules::tell_refusal(FindingSink& findings) {
  if (!memory_ || !memory_->refused) return;
  const auto [id, code] = *std::exchange(memory_->refused, std::nullopt);
  const bool unknown = code == 500 || code == 502;
  findings.finding(memory_->offered && unknown ? tls_auth_stripped : tls_auth_refused, id,
                   std::to_string(code));
}

void TlsRules::on(const record::Reply& reply, Timestamp, FindingSink& findings) {
  if (reply.by_proxy || reply.preliminary || !reply.code || !reply.to) return;
  const int code = *reply.code;
  if (reply.verb == "AUTH") on_auth_reply(reply, code);
  if (reply.verb == "FEAT" && code == 211) {
    const bool offered = std::ranges::any_of(reply.lines, [](std::string_view line) {
      return has_word(line, "AUTH TLS") || has_word(line, "AUTH SSL");
    });
    if (offered) memory().offered = true;
  }
  if (memory_ && memory_->clear != 0 && memory_->clear == *reply.to && code < 300) {
    findings.finding(tls_data_in_clear, reply.to);
  }
  const bool refused = code == 522 || code == 425 || code == 426;
  if (!refused || !is_transfer_verb(reply.verb)) return;
  if (code == 522 || names_session_reuse(reply.lines)) {
    findings.finding(tls_reuse_required, reply.to, std::to_string(code));
  }
}

void TlsRules::on_auth_reply(const record::Reply& reply, int code) {
  if (code >= 400 && *reply.to == memory().asked) {
    memory().refused = Refused{*reply.to, code};
  } else if (code < 400) {
    memory().refused.reset();
  }
}

void TlsRules::on(const record::Tls& tls, Timestamp, FindingSink& findings) {
  const auto where =
      tls.channel ? "data connection " + std::to_string(*tls.channel) : std::string("control");
  if (is_old(tls.version) && !std::exchange(memory().old_told, true)) {
    findings.finding(tls_old_version, std::nullopt, where + ": " + std::string(tls.version));
  }
  if (!tls.channel) return;  // nothing is lost when a control connection ends without
  memory().handshake = tls.channel;
  const bool by_client = tls.close_notify_client == false;
  const bool unclosed = by_client || tls.close_notify_server == false;
  if (unclosed && !std::exchange(memory().unclosed_told, true)) {
    findings.finding(tls_no_close_notify, std::nullopt,
                     where + ", by the " + (by_client ? "client" : "server"));
  }
  const bool refused = tls.resumed == false && tls.carried_data == false;
  (refused ? memory().without_data : memory().with_data) += 1;
}

// In an encrypted session PROT cannot be read. But TLS needs words of both sides: what has those of
// one side only, and no handshake in front of its end (Tls stands before Data), is a file in clear.
void TlsRules::on(const record::Data& data, Timestamp, FindingSink& findings) {
  const bool one_way = (data.bytes_to_client == 0) != (data.bytes_to_server == 0);
  const bool whole = data.connected && data.missing == 0;
  if (!captured_ || !opaque_ || !one_way || !whole || memory().handshake == data.id) return;
  if (std::exchange(memory().clear_told, true)) return;
  findings.finding(tls_data_in_clear, data.to, "data connection " + std::to_string(data.id));
}

// Told at the end, and only when no data connection got through. In TLS 1.3 a short listing cannot
// be told from a handshake.
void TlsRules::on(const record::End&, Timestamp, FindingSink& findings) {
  tell_refusal(findings);
  if (!memory_ || memory_->without_data == 0 || memory_->with_data > 0) return;
  findings.finding(tls_not_resumed, std::nullopt,
                   std::to_string(memory_->without_data) + " data connections");
}

}  // namespace ftpscope
