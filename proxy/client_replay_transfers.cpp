// The replayed client's data connections: agreed on anew with this server, then used as recorded.
#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "analyzer/address_rules.h"
#include "proxy/client_replay.h"

namespace ftpscope {

namespace {

// One kind of set-up: who connects, and its counterpart for the other address families and
// directions.
struct SetupKind {
  std::string_view verb;
  Setup setup;
  bool passive;
  bool extended;
};

constexpr auto kKinds = std::to_array<SetupKind>({
    {"PASV", Setup::pasv, true, false},
    {"EPSV", Setup::epsv, true, true},
    {"PORT", Setup::port, false, false},
    {"EPRT", Setup::eprt, false, true},
    {"LPSV", Setup::lpsv, true, true},
    {"LPRT", Setup::lprt, false, true},
});

const SetupKind& kind_of(std::string_view verb) {
  const auto* found = std::ranges::find(kKinds, verb, &SetupKind::verb);
  return found == kKinds.end() ? kKinds.front() : *found;
}

const SetupKind& kind_of(bool passive, bool extended) {
  return *std::ranges::find_if(kKinds, [&](const SetupKind& kind) {
    return kind.passive == passive && kind.extended == extended;
  });
}

}  // namespace

std::string_view setup_verb(std::string_view recorded, DataMode mode, bool ipv6) {
  const auto& kind = kind_of(recorded);
  const bool passive = mode == DataMode::passive || (mode != DataMode::active && kind.passive);
  const bool extended = mode == DataMode::extended || ipv6 || kind.extended;
  if (passive == kind.passive && extended == kind.extended) return kind.verb;
  return kind_of(passive, extended).verb;
}

// A newer one takes the place of an older one that was not used.
void ClientReplay::set_up(const ClientStep& step) {
  if (data_open_ > 0) effects_.close_data();
  const auto& recorded = script_.expected.transactions[step.expected];
  const auto verb = setup_verb(recorded.verb, options_.mode, state_.server_ip.v6);
  const auto& kind = kind_of(verb);
  results_[next_].other_setup = verb != recorded.verb;
  setup_ = kind.setup;
  data_ = Data::none;
  if (kind.passive) {
    // As it was spelled, if it is the same.
    const bool same = verb == recorded.verb;
    send_line(same ? step.line : std::string(verb) + "\r\n", std::nullopt);
    setup_id_ = last_id_;
    return;
  }
  data_ = Data::listening;
  ++data_open_;
  effects_.listen_data();
}

void ClientReplay::on(const play::Listening& event) {
  if (data_ != Data::listening || phase_ != Phase::talking) return;
  const auto& recorded = expected(next_);
  const auto verb = setup_verb(recorded.verb, options_.mode, state_.server_ip.v6);
  data_ = Data::none;
  exposed_ = now_;
  send_line(std::string(verb) + " " + format_address(form_of_verb(verb), event.address) + "\r\n",
            std::nullopt);
  setup_id_ = last_id_;
}

void ClientReplay::on(const play::ListenFailed&) {
  if (data_ != Data::listening) return;
  data_ = Data::none;
  --data_open_;
  results_[next_++].not_sent = "no port is free to listen on for data (--data-ports)";
}

void ClientReplay::hear_setup(const InFlight& command, const Heard& heard) {
  if (command.id != setup_id_) return;  // a newer one was sent already
  const bool good = heard.code && *heard.code >= 200 && *heard.code < 300;
  const auto kind = std::ranges::find(kKinds, *setup_, &SetupKind::setup);
  if (!good || (kind->passive && heard.port.value_or(0) == 0)) {
    if (data_open_ > 0) effects_.close_data();
    return;
  }
  if (!kind->passive && data_open_ == 0) return;  // it came and went meanwhile
  if (kind->passive) exposed_ = now_;
  passive_port_ = heard.port.value_or(0);
  data_ = kind->passive ? Data::agreed_passive : Data::agreed_active;
}

// --- a transfer ---

// The data connection is asked for without waiting for the 1yz: some servers block in accept()
// behind their 227 and read the transfer's command only then.
void ClientReplay::begin_transfer(const ClientStep& step) {
  Transfer transfer;
  transfer.step = next_;
  transfer.channel = data_ == Data::none ? 0 : ++channels_;
  transfer.data_over = data_ == Data::none;
  const auto recorded_id = script_.expected.transactions[step.expected].id;
  const auto waits = [&](const ClientStep& later) {
    const auto& said = script_.expected.transactions[later.expected];
    return said.in_transfer && said.behind == recorded_id && later.meaning() == Meaning::abort;
  };
  const auto rest = std::span(script_.steps).subspan(next_ + 1);
  const bool aborted = std::ranges::any_of(rest, waits);
  transfer.reached = !aborted || step.meaning() != Meaning::download;
  transfer_ = transfer;
  if (data_ == Data::agreed_passive) {
    ++data_open_;
    effects_.connect_data(passive_port_);
  }
  send_line(step.line, step.urgent);
  transfer_->id = last_id_;
  if (transfer_->data_over || step.meaning() != Meaning::download) return;
  auto reading = reading_of(expected(transfer_->step));
  if (aborted && expected(transfer_->step).data) {
    reading.close_after.reset();  // that was the ABOR
    reading.pause_after = expected(transfer_->step).data->bytes;
  }
  reading.channel = transfer_->channel;
  effects_.receive(reading);
}

// Where the recorded client broke off, if it did.
play::Reading ClientReplay::reading_of(const Transaction& recorded) const {
  play::Reading reading;
  reading.listing = recorded.verb != "RETR";
  if (!recorded.data) return reading;
  const bool refused = recorded.code() && *recorded.code() >= 400;
  const bool by_client = recorded.data->closed_first == Side::client;
  if (by_client && refused) reading.close_after = recorded.data->bytes;
  return reading;
}

void ClientReplay::hear_preliminary() {
  if (transfer_->preliminary) return;
  transfer_->preliminary = true;
  const auto& step = script_.steps[transfer_->step];
  if (transfer_->data_over || step.meaning() != Meaning::upload) return;
  const auto& data = expected(transfer_->step).data;
  ScriptPayload payload{.direction = Direction::upload};
  if (data) {
    payload.bytes = data->bytes;
    payload.file = data->payload;
    payload.unrecorded = data->unrecorded;
  }
  effects_.send_payload(payload, transfer_->channel);
}

void ClientReplay::on(const play::DataConnected& event) {
  if (!transfer_ || transfer_->data_over) return;
  recorder_.emit(
      record::ChannelOpened{transfer_->channel, setup_id_, *setup_, event.leg, event.leg});
}

void ClientReplay::on(const play::DataPaused&) {
  last_progress_ = now_;
  if (transfer_) transfer_->reached = true;
}

void ClientReplay::on(const play::DataOver& event) {
  --data_open_;
  last_progress_ = now_;
  const bool of_the_transfer = transfer_ && !transfer_->data_over && data_open_ == 0;
  if (of_the_transfer) {
    transfer_->data_over = true;
    record_data(event.totals);
    end_transfer_if_over();
  } else if (data_open_ == 0 && data_ == Data::agreed_active) {
    data_ = Data::none;  // gone before it was used
  }
  if (ending_ && data_open_ == 0) end(ending_->how, ending_->by);
}

void ClientReplay::record_data(const DataTotals& totals) {
  const auto& step = script_.steps[transfer_->step];
  const bool download = step.meaning() == Meaning::download;
  const bool used = transfer_->preliminary || totals.bytes > 0;
  if (!used && !totals.leg) return;  // it was refused before there was anything to tell of
  DataUse use{.channel = transfer_->channel,
              .direction = download ? Direction::download : Direction::upload,
              .setup = *setup_,
              .exposed = exposed_};
  if (used) {
    use.to = transfer_->id;
    use.verb = step.verb->name;
  }
  (download ? totals_.data_to_client : totals_.data_to_server) += totals.bytes;
  recorder_.emit(data_record(use, totals, now_));
}

void ClientReplay::end_transfer_if_over() {
  if (!transfer_->final_at) return;
  const bool refused = transfer_->code && *transfer_->code >= 400;
  if (transfer_->data_over) {
    transfer_.reset();
    data_ = Data::none;
  } else if (refused && (!transfer_->preliminary ||
                         script_.steps[transfer_->step].meaning() == Meaning::upload)) {
    effects_.close_data();  // there will be no more of it
  } else if (!transfer_->reached) {
    transfer_->reached = true;  // over before the recorded client broke it off
    effects_.resume_data();
  }
}

}  // namespace ftpscope
