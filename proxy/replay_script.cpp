#include "proxy/replay_script.h"

#include <algorithm>
#include <map>
#include <span>

#include "analyzer/log_replay.h"

namespace ftpscope {

namespace {

constexpr std::size_t kPayloadNameMax = 100;

// Puts the records of one session together: replies to their commands, payloads to their transfers.
class ScriptBuilder {
 public:
  void add(const OwnedRecord& record) {
    if (std::holds_alternative<record::Lost>(record->body)) return;  // of no session
    if (session_.empty()) session_ = record->session;
    if (record->session != session_) return;
    std::visit([this](const auto& body) { on(body); }, record->body);
  }
  std::expected<ReplayScript, std::string> finish();

 private:
  void on(const record::Command& command);
  void on(const record::Reply& reply);
  void on(const record::Data& data);
  void on(const record::Finding& finding);
  template <class Other>
  void on(const Other&) {}

  Exchange* exchange_of(std::optional<CommandId> to) {
    const auto found = to ? by_id_.find(*to) : by_id_.end();
    return found == by_id_.end() ? nullptr : &script_.exchanges[found->second];
  }

  std::string session_;
  ReplayScript script_;
  std::map<CommandId, std::size_t> by_id_;
  std::optional<CommandId> last_answered_;
  std::string error_;
};

void ScriptBuilder::on(const record::Command& command) {
  by_id_[command.id] = script_.exchanges.size();
  Exchange exchange;
  exchange.verb = command.verb;
  exchange.argument = command.argument.value_or("");
  exchange.hidden = command.redacted;
  script_.exchanges.push_back(std::move(exchange));
}

void ScriptBuilder::on(const record::Reply& reply) {
  if (reply.by_proxy && !reply.to) return;  // the proxy's last word
  ScriptReply played{reply.code, {}};
  for (std::size_t i = 0; i < reply.lines.size(); ++i) {
    played.raw.append(reply.lines[i]).append(bytes_of(reply.endings[i]));
  }
  if (reply.to) last_answered_ = reply.to;
  auto* exchange = exchange_of(last_answered_);
  (exchange ? exchange->replies : script_.greeting).push_back(std::move(played));
}

void ScriptBuilder::on(const record::Data& data) {
  auto* exchange = exchange_of(data.to);
  if (!exchange || !data.connected) return;
  if (!data.payload.empty() && !is_payload_name(data.payload)) {
    error_ = "'" + std::string(data.payload) + "' is not the plain name of a payload file";
    return;
  }
  const auto direction =
      data.direction.value_or(data.bytes_to_server > 0 ? Direction::upload : Direction::download);
  const auto bytes = direction == Direction::download ? data.bytes_to_client : data.bytes_to_server;
  exchange->payload = ScriptPayload{direction, bytes, std::string(data.payload)};
}

void ScriptBuilder::on(const record::Finding& finding) {
  auto* exchange = exchange_of(finding.to);
  if (exchange && finding.id == FindingId::reply_before_data_end)
    exchange->final_before_data = true;
}

std::expected<ReplayScript, std::string> ScriptBuilder::finish() {
  if (!error_.empty()) return std::unexpected(error_);
  if (script_.greeting.empty())
    return std::unexpected("it has no session with a server's greeting");
  return std::move(script_);
}

bool may_be_any(const Command& command) {
  return command.meaning() == Meaning::user || command.meaning() == Meaning::password;
}

// "LIST -la" lists the same as "LIST".
bool is_plain_listing(const Command& command) {
  const bool lists = command.name == "LIST" || command.name == "NLST";
  return lists && command.argument.starts_with('-') &&
         command.argument.find(' ') == std::string::npos;
}

}  // namespace

bool Exchange::finished() const { return std::ranges::any_of(replies, &ScriptReply::final); }

bool is_payload_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= kPayloadNameMax && name[0] != '.' &&
         std::ranges::all_of(name, plain);
}

std::expected<ReplayScript, std::string> read_script(std::string_view log) {
  ScriptBuilder builder;
  const auto problems = read_log(log, [&](const OwnedRecord& record) { builder.add(record); });
  if (!problems.empty()) {
    return std::unexpected("line " + std::to_string(problems[0].line) + ": " + problems[0].what);
  }
  return builder.finish();
}

const Exchange* ScriptCursor::find(const Command& command) const {
  const auto pick = [this](const auto& matches) -> const Exchange* {
    const Exchange* last = nullptr;
    for (std::size_t i = 0; i < script_.exchanges.size(); ++i) {
      const auto& exchange = script_.exchanges[i];
      if (!matches(exchange)) continue;
      if (!used_[i]) return &exchange;
      last = &exchange;
    }
    return last;
  };
  const auto same_verb = [&](const Exchange& e) { return e.verb == command.name; };
  const auto* exact = pick([&](const Exchange& e) {
    return same_verb(e) && (e.hidden || e.argument == command.argument);
  });
  if (exact) return exact;
  if (may_be_any(command)) return pick(same_verb);
  if (!is_plain_listing(command)) return nullptr;
  return pick([&](const Exchange& e) { return same_verb(e) && e.argument.empty(); });
}

void ScriptCursor::use(const Exchange& exchange) {
  const auto index = static_cast<std::size_t>(&exchange - script_.exchanges.data());
  used_[index] = true;
  next_ = index + 1;
}

const Exchange* ScriptCursor::expected() const {
  const auto rest = std::span(script_.exchanges).subspan(next_);
  const auto found = std::ranges::find_if(rest, [](const Exchange& exchange) {
    const auto* verb = find_verb(exchange.verb);
    return !verb || (verb->meaning != Meaning::port && verb->meaning != Meaning::passive);
  });
  return found == rest.end() ? nullptr : &*found;
}

}  // namespace ftpscope
