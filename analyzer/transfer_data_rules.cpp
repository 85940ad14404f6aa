// The data connections' half of the TransferRules, and the end of the session.
#include <algorithm>

#include "analyzer/report_text.h"
#include "analyzer/transfer_judgement.h"
#include "analyzer/transfer_rules.h"

namespace ftpscope {

namespace {

using enum FindingId;

// Who is to connect: the client, unless it has told where it listens.
Side caller(Setup setup) {
  const bool active = setup == Setup::port || setup == Setup::eprt || setup == Setup::lprt;
  return active ? Side::server : Side::client;
}

// Between translated forms one of them may have come. A capture has the attempt, as both of them.
Side absent(const record::Data& data) {
  if (data.client.has_value() == data.server.has_value()) return caller(data.setup);
  return data.client ? Side::server : Side::client;
}

// And after how long, when there was time.
std::string who_did_not(const record::Data& data) {
  constexpr auto kTime = std::chrono::seconds(1);
  const auto text = "not the " + std::string(name_of(absent(data)));
  const auto waited = data.closed - data.exposed;
  return waited < kTime ? text : text + " within " + human_duration(waited);
}

DataEnd end_of(const record::Data& data) {
  return {.bytes = record::bytes_of(data),
          .missing = data.missing,
          .how = data.how,
          .why = std::string(data.why),
          .closed_first = data.closed_first,
          .connected = data.connected.has_value(),
          .closed = data.closed};
}

}  // namespace

TransferRules::Channel& TransferRules::channel(ChannelId id, std::optional<CommandId> setup) {
  auto& channels = memory().channels;
  const auto found = std::ranges::find(channels, id, &Channel::id);
  if (found != channels.end()) return *found;
  if (channels.size() == kChannelsOpen) channels.erase(channels.begin());
  return channels.emplace_back(id, setup);
}

void TransferRules::on(const record::ChannelExposed& exposed, Timestamp, FindingSink&) {
  channel(exposed.id, exposed.to);
}

void TransferRules::on(const record::ChannelOpened& opened, Timestamp, FindingSink&) {
  channel(opened.id, opened.to).connected = true;
}

void TransferRules::on(const record::Data& data, Timestamp, FindingSink& findings) {
  // A capture says nothing of a channel that nobody opened; the latest is meant, since a newer PORT
  // or PASV would have replaced it.
  auto setup = channel(data.id, std::nullopt).setup;
  if (!setup && !data.connected && memory().setup != 0) setup = memory().setup;
  std::erase_if(memory().channels, [&](const Channel& c) { return c.id == data.id; });
  if (setup) memory_->ended_setup = *setup;
  memory_->ended_how = data.how;
  tell_end(data, setup, findings);
  rate(data, findings);
  auto* transfer = find(data.to);
  if (!transfer) return;
  tell_late(data, *transfer, findings);
  transfer->data = end_of(data);
  settle(transfer->id, findings);
}

// What the end of the connection says by itself. A server that has refused the transfer ("no such
// file") has no use for the connection: that nobody came, or that it was dropped, means nothing
// then. And that a capture has no connection of a transfer that succeeded says something of the
// capture, as one of port 21 alone.
void TransferRules::tell_end(const record::Data& data, std::optional<CommandId> setup,
                             FindingSink& findings) {
  const auto about = data.to ? data.to : setup;
  const bool refused = !data.to && memory().refused > setup.value_or(0);
  const bool unused = data.connected && !data.to && data.setup != Setup::unknown;
  if (data.how == ChannelEnd::timeout) findings.finding(data_stalled, about, data.verb);
  if (data.silence > kSilent) {
    findings.finding(data_silent, about,
                     std::string(data.verb) + ": " + human_duration(*data.silence));
  }
  if (refused) return;
  const auto* transfer = find(data.to);
  const bool elsewhere = captured_ && transfer && transfer->succeeded();
  if (data.how == ChannelEnd::never_connected && !elsewhere) {
    findings.finding(data_never_connected, about, who_did_not(data));
  }
  if (data.how == ChannelEnd::connect_failed && !transfer) {
    findings.finding(data_connect_failed, about, data.why);
  }
  if (data.how == ChannelEnd::rst && !transfer) {
    findings.finding(data_reset, about, data.verb);
  } else if (unused && sees_all()) {
    findings.finding(data_no_command, about, name_of(data.setup));
  }
}

// From the moment when whoever connects could know of it.
void TransferRules::tell_late(const record::Data& data, const Transfer& transfer,
                              FindingSink& findings) const {
  if (!data.connected) return;
  auto due = std::max(data.exposed, transfer.begun);
  if (transfer.preliminary && *transfer.preliminary <= *data.connected) {
    due = std::max(due, *transfer.preliminary);
  }
  if (*data.connected - due <= kLate) return;
  findings.finding(data_late, transfer.id,
                   std::string(transfer.verb->name) + ": " + human_duration(*data.connected - due) +
                       ", by the " + std::string(name_of(caller(data.setup))));
}

void TransferRules::rate(const record::Data& data, FindingSink& findings) {
  const auto rate = record::rate_of(data);
  if (!rate || !data.to || record::bytes_of(data) < kRated || data.missing > 0) return;
  auto& fastest = memory().fastest;
  auto& slowest = memory().slowest;
  const Rated now{*data.to, *rate};
  if (fastest.rate < now.rate) fastest = now;
  if (slowest.rate == 0 || slowest.rate > now.rate) slowest = now;
  if (slowest.rate >= fastest.rate / kFarSlower) return;
  findings.finding(
      rate_low, slowest.transfer,
      human_bytes(slowest.rate) + "/s, another one had " + human_bytes(fastest.rate) + "/s");
}

// Judges a transfer when all of it is there.
void TransferRules::settle(CommandId id, FindingSink& findings) {
  const auto* found = find(id);
  if (!found || !found->code || !found->data) return;
  const auto transfer = *found;
  std::erase_if(memory_->open, [id](const Transfer& t) { return t.id == id; });
  judge(transfer, memory_->sizes, findings);
  const bool whole = transfer.verb->name == "STOR" && transfer.succeeded() && transfer.path &&
                     transfer.offset == 0 && transfer.settings.plain() &&
                     transfer.data->connected && transfer.data->missing == 0;
  if (!whole) return;
  memory_->sizes.remember(
      {*transfer.path, transfer.data->bytes, transfer.settings.exact(), true, true});
}

// A client that leaves in mid-transfer, or at once behind it, has not waited for the reply.
void TransferRules::on(const record::End& end, Timestamp now, FindingSink& findings) {
  if (!memory_) return;
  for (auto& transfer : memory_->open) {
    judge(transfer, memory_->sizes, findings);
    if (!transfer.preliminary || transfer.code || transfer.aborted) continue;
    const bool waited = transfer.data && now - transfer.data->closed > kFinalReplyDue;
    const bool server_left = end.by == Side::server;
    if (end.how == SessionEnd::open || (!server_left && !waited)) continue;
    tell_never_completed(
        transfer, server_left ? "the server ended the session" : "the session has ended", findings);
  }
  memory_->open.clear();
}

}  // namespace ftpscope
