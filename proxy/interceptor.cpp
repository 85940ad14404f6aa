// The control connection: commands and replies on their way. Channels: interceptor_channels.cpp;
// set-ups in another form: interceptor_setup.cpp;
// timeouts and the end of a session: interceptor_life.cpp.
#include "proxy/interceptor.h"

#include <utility>

#include "analyzer/line_rules.h"
#include "analyzer/redaction.h"

namespace ftpscope {

namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

std::string joined(const std::vector<std::string>& parts, std::string_view filling) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text.append(filling);
    text.append(parts[i]);
  }
  return text;
}

}  // namespace

Interceptor::Interceptor(const InterceptorOptions& options, const Pipeline& pipeline,
                         std::string session, RecordSink& sink, Effects& effects,
                         ServerMemory* memory)
    : options_(options),
      pipeline_(pipeline),
      recorder_(std::move(session), sink),
      effects_(effects),
      memory_(memory),
      dialogue_(options.limits, recorder_, state_, *this) {}

void Interceptor::handle(const Event& event, Timestamp now) {
  if (ended_) return;
  recorder_.at(now);
  std::visit([this](const auto& e) { on(e); }, event);
  settle_naming();
  end_if_done();
}

bool Interceptor::wants(Side side) const {
  const bool alone = naming_ && side == Side::client;
  return !ended_ && (server_connected_ || alone) && dialogue_.wants(side);
}

void Interceptor::on(const event::Received& event) {
  said_[static_cast<std::size_t>(event.from)] += event.bytes.size();
  last_activity_ = now();
  if (event.from == Side::server && !server_connected_) return;  // it was turned away
  if (event.from == Side::server) last_exchange_ = now();
  dialogue_.received(event.from, event.bytes, event.urgent, now());
  auto& since = line_since_[static_cast<std::size_t>(event.from)];
  const auto begun = dialogue_.line_begun(event.from);
  if (begun == 0 || !dialogue_.wants(event.from)) {
    since.reset();
  } else if (!since || begun <= event.bytes.size()) {  // or the one before it has ended just now
    since = now();
  }
}

CommandFate Interceptor::on_command(const Command& command, CommandId id) {
  if (command.name != "NOOP") last_work_ = now();
  Pipeline::Notes notes;
  auto verdict = pipeline_.on_command(command, state_, notes);
  for (const auto& note : notes) recorder_.finding(note.id, id, note.detail);
  const auto why = verdict.why;
  if (naming_ && !std::holds_alternative<Answer>(verdict.action)) {
    return on_naming_command(command, id);
  }
  return std::visit(
      Overloaded{
          [&](const Pass&) { return forward(command, id); },
          [&](const Answer& answer) {
            if (answer.translate) state_.translation_off = !*answer.translate;
            // EPSV ALL counts from its reply on.
            return CommandFate{.barrier = is_epsv_all(command), .answer = answer.reply};
          },
          [&](const Replace& replace) {
            recorder_.emit(record::Rewrite{id, command.name, command.line.raw, replace.bytes, why});
            effects_.send(Side::server, replace.bytes);
            return CommandFate{};
          },
          [&](ExposeAddress& address) {
            expose({std::move(address), id, Side::client, std::string(command.line.raw),
                    std::string(command.name), std::string(why)});
            return CommandFate{.barrier = true, .wait = true};
          },
          [&](const AskServer& wish) { return begin_setup(wish, command, id, why); },
      },
      verdict.action);
}

CommandFate Interceptor::forward(const Command& command, CommandId id) {
  const auto meaning = command.meaning();
  last_exchange_ = now();
  if (is_transfer(meaning)) begin_transfer(command, id);
  const bool rewrite = options_.policy.lines == Lines::strict && !pipeline_.empty() &&
                       !command.canonical() && command.line.ending != Ending::none;
  // The Telnet Synch that carries TCP urgency (RFC 959 4.1.3): its mark is on a Telnet byte, since
  // many servers take the urgent byte out of the stream and would miss it in a command.
  constexpr std::string_view kSynch = "\xff\xf4\xff\xf2";
  constexpr std::size_t kSynchMark = 2;
  const bool synch = rewrite && command.line.urgent;
  const auto line =
      rewrite ? (synch ? std::string(kSynch) : std::string{}) + canonical_line(command) : "";
  if (rewrite && line != command.line.raw) {
    const bool hidden = !options_.limits.log_secrets && hides_argument(command, state_.logged_in);
    recorder_.emit(record::Rewrite{id, "line", hidden ? kHidden : command.line.raw,
                                   hidden ? kHidden : std::string_view(line), "--lines strict"});
  }
  const auto bytes = rewrite ? std::string_view(line) : command.line.raw;
  if (command.line.urgent) {
    effects_.send_urgent(Side::server, bytes, synch ? kSynchMark : *command.line.urgent);
  } else {
    effects_.send(Side::server, bytes);
  }
  // The address in the reply must be told from any later one, and REIN changes what follows.
  const bool barrier = meaning == Meaning::passive || meaning == Meaning::reinitialize;
  return CommandFate{.barrier = barrier && !pipeline_.empty()};
}

bool Interceptor::on_reply(const Reply& reply, const PendingCommand* answered,
                           std::string_view raw) {
  if (naming_) return on_greeting(reply, answered, raw);
  const auto to = answered ? std::optional(answered->id) : std::nullopt;
  auto verdict = pipeline_.on_reply(reply, answered, state_);
  // While that waits for an address of ours, the server has not heard it: this is no reply to it.
  const bool asked = setting_up_ && !exposing_;
  if (asked && to == setting_up_->command) {
    const auto step = on_setup_reply(reply, verdict, raw);
    if (step != SetupStep::pass) return step == SetupStep::wait;
  }
  if (auto* address = std::get_if<ExposeAddress>(&verdict.action)) {
    drop_waiting_channel(ChannelEnd::replaced);
    expose({std::move(*address), answered->id, Side::server, std::string(raw),
            std::to_string(*reply.code), std::string(verdict.why)});
    return true;
  }
  if (const auto* replace = std::get_if<Replace>(&verdict.action)) {
    record_rewrite({to, answered ? answered->name() : std::string_view("reply"), raw,
                    replace->bytes, verdict.why});
    send_reply(replace->bytes, to);
    return false;
  }
  if (answered && must_wait_for_data(*answered, reply)) {
    held_->raw = raw;
    return true;
  }
  if (answered) settle_transfer(*answered, reply);
  send_reply(raw, to);
  return false;
}

void Interceptor::send_reply(std::string_view raw, std::optional<CommandId> to) {
  if (options_.policy.lines == Lines::raw || pipeline_.empty()) {
    effects_.send(Side::client, raw);
    return;
  }
  const auto canonical = canonical_reply(raw);
  if (canonical != raw) {
    record_rewrite({to, "line", raw, canonical, "--lines strict"});
  }
  effects_.send(Side::client, canonical);
}

void Interceptor::on_reply_part(std::string_view raw) { send_reply(raw, std::nullopt); }

// An address must not leave unrewritten, and a FEAT that is going to be filtered must be whole.
bool Interceptor::may_send_in_parts(const PendingCommand* answered) {
  if (naming_) return false;
  if (!answered || pipeline_.empty()) return true;
  const auto& policy = options_.policy;
  const bool filtered = answered->meaning() == Meaning::features &&
                        FeatureFilter(policy.tls, policy.server_data).applies(state_);
  const bool setting_up = setting_up_ && setting_up_->command == answered->id;
  return answered->meaning() != Meaning::passive && !filtered && !setting_up;
}

void Interceptor::on_own_answer(std::string_view reply) { effects_.send(Side::client, reply); }

void Interceptor::on_opaque_bytes(Side from, std::string_view bytes) {
  last_work_ = now();  // nobody can see that it is a NOOP
  effects_.send(other(from), bytes);
}

void Interceptor::expose(Exposing message) {
  const auto& address = message.address;
  message.is_new = message.channel == 0;
  if (message.is_new) {
    if (message.waiting == Side::client) drop_waiting_channel(ChannelEnd::replaced);
    message.channel = add_channel(message.command, address.setup).id;
  }
  const auto expected = address.facing == Side::client ? state_.client_ip : state_.server_ip;
  effects_.expose({message.channel, address.facing, expected, address.target});
  if (!address.target_rule.empty()) message.why += ": " + std::string(address.target_rule);
  exposing_ = std::make_unique<Exposing>(std::move(message));
}

// What we tell of the address at which we listen. A 229 tells the port only: whoever reads it goes
// where its control connection goes.
Endpoint Interceptor::told_address(Exposing& message, const Endpoint& ours) const {
  const auto form = message.address.form;
  if (form == AddressForm::reply_229) return ours;
  const bool to_client = message.address.facing == Side::client;
  const auto& policy = to_client ? options_.policy.advertise : options_.policy.advertise_server;
  const bool v4_only = form == AddressForm::port || form == AddressForm::reply_227;
  const auto [ip, rule] = policy.decide({.client = state_.client_ip,
                                         .stated = message.address.stated,
                                         .peer = ours.ip,
                                         .judged = ours.ip,
                                         .seen = to_client ? state_.client_ip : state_.server_ip,
                                         .v6 = ours.ip.v6 && !v4_only});
  message.why += ", " + std::string(rule);
  return {ip, ours.port};
}

void Interceptor::record_rewrite(const Exposing& message, std::string_view after) {
  const record::Rewrite entry{message.command, message.what, message.original, after, message.why};
  message.address.facing == Side::server ? recorder_.emit(entry) : record_rewrite(entry);
}

// A reply may echo a secret (threats.md S30).
void Interceptor::record_rewrite(record::Rewrite rewrite) {
  const auto before = dialogue_.masked(rewrite.before);
  const auto after = dialogue_.masked(rewrite.after);
  rewrite.before = before;
  rewrite.after = after;
  recorder_.emit(rewrite);
}

void Interceptor::on(const event::Exposed& event) {
  auto* channel = find_channel(event.channel);
  if (!channel || !exposing_ || exposing_->channel != event.channel) return;
  const auto told = told_address(*exposing_, event.address);
  if (!can_carry(exposing_->address.form, told.ip)) {
    if (exposing_->is_new) effects_.close_channel(event.channel, ChannelEnd::replaced);
    fail_exposing(FindingId::address_family, to_text(told));
    return;
  }
  const auto message = std::move(*exposing_);
  exposing_.reset();
  channel->path = event.path;
  if (!event.why_relayed.empty() && !std::exchange(told_relayed_, true)) {
    recorder_.finding(FindingId::data_relayed, message.command, event.why_relayed);
  }
  renew(*channel);
  const auto& address = message.address;
  channel->setup = address.setup;
  channel->facing = address.facing;
  channel->told = told;
  recorder_.emit(record::ChannelExposed{channel->id, channel->setup_command, channel->setup,
                                        address.facing, told, address.target});
  const auto line = joined(address.parts, format_address(address.form, told));
  record_rewrite(message, line);
  if (address.facing == Side::server) {
    address_told(message, line);
    effects_.send(Side::server, line);
  } else {
    send_reply(line, message.command);
  }
  dialogue_.resume(message.waiting, now());
}

void Interceptor::on(const event::ExposeFailed& event) {
  if (!exposing_ || exposing_->channel != event.channel) {
    std::erase_if(channels_, [&](const Channel& c) { return c.id == event.channel; });
    return;
  }
  fail_exposing(FindingId::data_ports_exhausted, event.why);
}

void Interceptor::fail_exposing(FindingId finding, std::string_view why) {
  const auto message = std::move(*exposing_);
  exposing_.reset();
  setting_up_.reset();
  if (message.is_new) {
    std::erase_if(channels_, [&](const Channel& c) { return c.id == message.channel; });
  } else if (find_channel(message.channel)) {
    effects_.close_channel(message.channel, ChannelEnd::replaced);
  }
  recorder_.finding(finding, message.command, why);
  constexpr std::string_view kReply = "425 Cannot open a data connection through this proxy.\r\n";
  if (message.waiting == Side::client) {
    dialogue_.answer(message.command, std::string(kReply));
  } else {
    record_rewrite(message, kReply);
    send_reply(kReply, message.command);
  }
  dialogue_.resume(message.waiting, now());
}

}  // namespace ftpscope
