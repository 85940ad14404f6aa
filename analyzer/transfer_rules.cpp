// The control connection's half: commands and replies. The data's half: transfer_data_rules.cpp.
#include "analyzer/transfer_rules.h"

#include <algorithm>
#include <array>
#include <utility>

#include "analyzer/report_text.h"
#include "analyzer/tls_rules.h"
#include "analyzer/transfer_judgement.h"

namespace ftpscope {

namespace {

using enum FindingId;

char letter_of(const record::Command& command) {
  if (!command.argument || command.argument->empty() || command.redacted) return '\0';
  return static_cast<char>((*command.argument)[0] & ~0x20);  // upper case
}

bool leaves_the_directory(std::string_view verb) {
  constexpr auto kVerbs =
      std::to_array<std::string_view>({"CWD", "XCWD", "CDUP", "XCUP", "REIN", "USER", "SMNT"});
  return std::ranges::find(kVerbs, verb) != kVerbs.end();
}

constexpr std::string_view kNobodyCame = ": nobody had connected";

std::string_view how_text(ChannelEnd how) {
  switch (how) {
    case ChannelEnd::never_connected: return kNobodyCame;
    case ChannelEnd::connect_failed: return ": the connection could not be made";
    case ChannelEnd::refused: return ": the connection was refused";
    case ChannelEnd::rst: return ": the connection was reset";
    case ChannelEnd::fin: return ": the connection had been closed";
    case ChannelEnd::timeout: return ": the connection had stalled";
    case ChannelEnd::replaced:
    case ChannelEnd::session_ended:
    case ChannelEnd::open: break;
  }
  return {};
}

}  // namespace

TransferRules::Memory& TransferRules::memory() {
  if (!memory_) {
    memory_ = std::make_unique<Memory>();
    if (!sees_all()) memory_->settings.type = '\0';
  }
  return *memory_;
}

void TransferRules::on(const record::Session& session, Timestamp, FindingSink&) {
  captured_ = !session.proxy;
}

void TransferRules::on(const record::Command& command, Timestamp now, FindingSink& findings) {
  const auto* verb = find_verb(command.verb);
  if (!verb) return;
  const auto name = verb->name;
  if (is_transfer(verb->meaning)) return begin(command, *verb, now, findings);
  if (name == "TYPE") memory().type = {command.id, letter_of(command), true, false};
  if (name == "MODE") memory().mode = {command.id, letter_of(command), true, false};
  if (name == "STRU") memory().structure = {command.id, letter_of(command), true, false};
  if (name == "REST") {
    memory().rest = {command.id, parse_count(command.argument.value_or("")), false};
  }
  if (verb->meaning == Meaning::port || verb->meaning == Meaning::passive) {
    memory().setup = command.id;
  }
  if (memory_) look_at_path(command, *verb);
  if (verb->meaning == Meaning::abort && memory_) {
    for (auto& transfer : memory_->open) transfer.aborted = transfer.aborted || !transfer.code;
  }
  if (name != "SIZE") return;
  auto& asked = memory().sizes_asked;
  if (asked.size() == kSizesAsked) asked.erase(asked.begin());
  asked.push_back({command.id, path_key(command), settings_now().binary()});
}

// What a path means changes with the directory, and with the file.
void TransferRules::look_at_path(const record::Command& command, const Verb& verb) {
  if (leaves_the_directory(verb.name)) memory_->sizes.forget_all();
  const bool changes = verb.name == "DELE" || verb.name == "RNFR" || verb.name == "RNTO";
  if (changes || verb.meaning == Meaning::upload) memory_->sizes.forget(path_key(command));
}

TransferSettings TransferRules::settings_now() const {
  if (!memory_) return {};
  auto settings = memory_->settings;
  if (memory_->type.waits) settings.type = '\0';
  if (memory_->mode.waits) settings.mode = '\0';
  if (memory_->structure.waits) settings.structure = '\0';
  return settings;
}

// REST is for the next transfer only (RFC 959 4.1.3).
std::optional<std::uint64_t> TransferRules::take_offset() {
  const auto rest = std::exchange(memory().rest, std::nullopt);
  if (!rest) return 0;
  return rest->accepted ? rest->offset : std::nullopt;
}

void TransferRules::begin(const record::Command& command, const Verb& verb, Timestamp now,
                          FindingSink& findings) {
  auto& open = memory().open;
  for (auto& transfer : open) {
    const bool waits = transfer.preliminary && !transfer.code && transfer.data;
    if (waits && now - transfer.data->closed > kGivenUp) {
      tell_never_completed(transfer, "the client has gone on", findings);
    }
  }
  if (open.size() == kTransfersOpen) end_oldest(findings);
  Transfer transfer;
  transfer.id = command.id;
  transfer.verb = &verb;
  transfer.path = path_key(command);
  transfer.begun = now;
  transfer.settings = settings_now();
  transfer.offset = take_offset();
  look_at_path(command, verb);
  open.push_back(transfer);
}

void TransferRules::tell_never_completed(Transfer& transfer, std::string_view why,
                                         FindingSink& findings) const {
  if (!sees_all() || std::exchange(transfer.given_up, true)) return;
  findings.finding(transfer_never_completed, transfer.id,
                   std::string(transfer.verb->name).append(": ").append(why));
}

void TransferRules::end_oldest(FindingSink& findings) {
  auto& open = memory().open;
  const auto oldest = open.front();
  open.erase(open.begin());
  judge(oldest, memory_->sizes, findings);
}

void TransferRules::on(const record::Reply& reply, Timestamp now, FindingSink& findings) {
  greeted_ = greeted_ || reply.to == CommandId{0};
  if (!memory_ || !reply.to || !reply.code) return;
  if (auto* transfer = find(reply.to)) {
    if (!reply.by_proxy) return on_transfer_reply(*transfer, reply, now, findings);
    std::erase_if(memory_->open, [&](const Transfer& t) { return t.id == *reply.to; });
    return;
  }
  if (reply.preliminary) return;
  const bool completed = *reply.code >= 200 && *reply.code < 400;
  on_settings_reply(reply, completed);
  on_size_reply(reply, findings);
  const bool sets_up = memory_->setup == *reply.to;
  if (sets_up && *reply.code == 425 && !reply.by_proxy) {
    findings.finding(transfer_cannot_open, reply.to, reply.verb);
  }
}

void TransferRules::on_settings_reply(const record::Reply& reply, bool completed) {
  auto& memory = *memory_;
  const auto settle = [&](Asked& asked, char& setting) {
    if (!asked.waits || asked.id != *reply.to) return;
    asked.waits = false;
    // 530 asks for a login and says nothing of the letter.
    asked.refused = *reply.code >= 500 && *reply.code != 530 && !reply.by_proxy;
    if (completed) setting = asked.letter;
    if (completed && &asked == &memory.type) memory.type_set = true;
  };
  settle(memory.type, memory.settings.type);
  settle(memory.mode, memory.settings.mode);
  settle(memory.structure, memory.settings.structure);
  if (memory.rest && memory.rest->id == *reply.to) {
    memory.rest->accepted = completed;
    if (!completed) memory.rest.reset();
  }
  if (reply.verb != "REIN" || !completed) return;
  memory.settings = {};
  memory.type_set = false;
}

void TransferRules::on_size_reply(const record::Reply& reply, FindingSink& findings) {
  auto& waiting = memory_->sizes_asked;
  const auto asked = std::ranges::find(waiting, *reply.to, &AskedSize::id);
  if (asked == waiting.end()) return;
  const auto size = *reply.code == 213 ? size_in_reply(reply.lines) : std::nullopt;
  if (size && asked->path && !reply.redacted) {
    const KnownSizes::Entry told{*asked->path, *size, asked->exact, false, true};
    const auto known = memory_->sizes.find(asked->path);
    if (known && known->uploaded) judge_told_size(*known, told, *reply.to, findings);
    memory_->sizes.remember(told);
  }
  waiting.erase(asked);
}

void TransferRules::on_transfer_reply(Transfer& transfer, const record::Reply& reply, Timestamp now,
                                      FindingSink& findings) {
  if (reply.preliminary) return on_preliminary(transfer, reply, now, findings);
  const int code = *reply.code;
  transfer.code = code;
  if (code == 425) {
    findings.finding(transfer_cannot_open, reply.to, why_not_opened(transfer, reply));
  } else if (transfer.refused()) {
    memory_->refused = transfer.id;
  }
  // Of a listing 450 and 550 say that there is nothing to list. Some codes have their own finding.
  const bool own = code == 421 || code == 425 || code == 522;
  const bool failed = code >= 400 && !own && transfer.of_a_file();
  const bool cut = code == 426 || code == 451 || failed;
  if (cut && transfer.preliminary && !transfer.aborted) {
    const auto why = transfer.data ? cut_text(transfer) : std::string(transfer.verb->name);
    findings.finding(transfer_aborted, reply.to, std::to_string(code) + " to " + why);
  }
  settle(transfer.id, findings);
}

void TransferRules::on_preliminary(Transfer& transfer, const record::Reply& reply, Timestamp now,
                                   FindingSink& findings) {
  if (!transfer.announced && !reply.redacted) transfer.announced = announced_size(reply.lines);
  if (transfer.preliminary) {
    // A reply that belongs to the next transfer is taken for this one's: this one never got its
    // final one. 110 is a restart marker.
    const bool another = transfer.data && memory_->open.back().id != transfer.id;
    if (another && *reply.code != 110) {
      tell_never_completed(transfer, "the next transfer has begun", findings);
    }
    return;
  }
  transfer.preliminary = now;
  const auto& memory = *memory_;
  if (transfer.of_a_file() && !memory.type_set && !memory.type.waits && sees_all()) {
    findings.finding(type_default, transfer.id, transfer.verb->name);
  }
  std::string refused;
  if (memory.type.refused) refused += " TYPE";
  if (memory.mode.refused) refused += " MODE";
  if (memory.structure.refused) refused += " STRU";
  if (!refused.empty()) {
    findings.finding(type_refused, transfer.id,
                     std::string(transfer.verb->name) + " after" + refused);
  }
}

// The likely cause of a 425.
std::string TransferRules::why_not_opened(const Transfer& transfer,
                                          const record::Reply& reply) const {
  const auto& memory = *memory_;
  std::string text(reply.verb);
  if (names_session_reuse(reply.lines)) return text + ": the TLS session was not reused";
  constexpr Duration kWorthTelling = std::chrono::seconds(1);
  if (reply.latency && *reply.latency >= kWorthTelling) {
    text += " after " + human_duration(*reply.latency);
  }
  if (memory.setup == 0) return sees_all() ? text + ": no PASV or PORT came before it" : text;
  if (memory.odd_address_of == memory.setup) {
    return text + ": see " + std::string(row_of(memory.odd_address).name);
  }
  if (transfer.data) return text.append(how_text(transfer.data->how));
  if (memory.ended_setup == memory.setup) return text.append(how_text(memory.ended_how));
  if (memory.channels.empty()) return text;
  constexpr std::string_view kStood = ", although the connection stood";
  return text.append(memory.channels.back().connected ? kStood : kNobodyCame);
}

void TransferRules::on(const record::Finding& finding, Timestamp, FindingSink&) {
  constexpr auto kOddAddresses =
      std::to_array<FindingId>({port_malformed, port_foreign, port_private, port_unroutable,
                                pasv_malformed, pasv_foreign, pasv_private, pasv_unroutable});
  const bool odd = std::ranges::find(kOddAddresses, finding.id) != kOddAddresses.end();
  if (!odd || !finding.to) return;
  memory().odd_address_of = *finding.to;
  memory_->odd_address = finding.id;
}

void TransferRules::on(const record::Opaque&, Timestamp, FindingSink&) {
  blind_ = true;
  memory_.reset();
}

void TransferRules::on(const record::Gap&, Timestamp, FindingSink&) {
  blind_ = true;
  if (!memory_) return;
  auto& memory = *memory_;
  memory.open.clear();
  memory.sizes.forget_all();
  memory.sizes_asked.clear();
  memory.rest.reset();
  memory.type = memory.mode = memory.structure = {};
  memory.settings.type = '\0';  // MODE and STRU are hardly ever used
}

Transfer* TransferRules::find(std::optional<CommandId> id) {
  if (!memory_ || !id) return nullptr;
  const auto found = std::ranges::find(memory_->open, *id, &Transfer::id);
  return found == memory_->open.end() ? nullptr : &*found;
}

}  // namespace ftpscope
