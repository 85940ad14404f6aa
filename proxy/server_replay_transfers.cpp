// Playing an exchange of the script: its replies, and between them the data.
#include <utility>

#include "analyzer/report_text.h"
#include "proxy/server_replay.h"

namespace ftpscope {

namespace {

// For the text of a reply: one line, of bounded length, whatever the client or the recording said.
std::string quoted(std::string_view verb, std::string_view argument) {
  constexpr std::size_t kShown = 100;
  std::string text(verb.substr(0, kShown));
  if (!argument.empty()) text.append(" ").append(argument.substr(0, kShown));
  return "\"" + printable(text) + "\"";
}

// RFC 959 5.4 lets a server leave these without a reply of their own.
bool needs_reply(const Exchange& exchange) { return exchange.verb != "ABOR"; }

}  // namespace

void ServerReplay::play(const Exchange& exchange) {
  if (exchange.payload && data_ == Data::none) {
    reply("425 Say PASV, EPSV, PORT or EPRT first.");
    return;
  }
  cursor_.use(exchange);
  if (exchange.payload) {
    begin_transfer(exchange);
    return;
  }
  for (const auto& recorded : exchange.replies) send(recorded);
  // The recorded session ended here: a client would wait for ever.
  if (!exchange.finished() && needs_reply(exchange)) finish();
  if (exchange.verb == "QUIT") finish();
}

void ServerReplay::begin_transfer(const Exchange& exchange) {
  transfer_ = &exchange;
  replies_sent_ = 0;
  const auto& replies = exchange.replies;
  while (replies_sent_ < replies.size() && !finished_) {
    const auto& next = replies[replies_sent_];
    if (next.final() && !exchange.final_before_data) break;
    send(next);
    ++replies_sent_;
  }
  if (data_ == Data::active) effects_.connect_active(active_port_);
  if (exchange.payload->direction == Direction::download) {
    effects_.send_payload(*exchange.payload);
  } else {
    effects_.receive_payload();
  }
}

void ServerReplay::on(const replay::DataEnded&) {
  if (!transfer_) return;
  const auto& exchange = *transfer_;
  for (; replies_sent_ < exchange.replies.size(); ++replies_sent_) {
    send(exchange.replies[replies_sent_]);
  }
  if (!exchange.finished()) finish();  // it was cut off here
  end_transfer();
}

void ServerReplay::on(const replay::DataFailed& event) {
  if (!transfer_) return;
  if (!transfer_->final_before_data) {
    reply(event.connected ? "426 The data connection broke."
                          : "425 No data connection came about.");
  }
  end_transfer();
}

// What was said during the transfer is its turn now.
void ServerReplay::end_transfer() {
  transfer_ = nullptr;
  data_ = Data::none;
  last_activity_ = now_;
  if (!finished_) resume();
}

void ServerReplay::send(const ScriptReply& recorded) {
  if (finished_) return;
  effects_.send(recorded.raw);
  if (recorded.code == 421) finish();  // RFC 959 4.2: "closing control connection"
}

void ServerReplay::reply(std::string_view line) {
  if (finished_) return;
  effects_.send(std::string(line) + (line.ends_with('\n') ? "" : "\r\n"));
  if (line.starts_with("421")) finish();
}

void ServerReplay::finish() {
  if (std::exchange(finished_, true)) return;
  effects_.finish();
}

std::string ServerReplay::unmatched(const Command& command) const {
  const auto text = "502 Not in this recording: " + quoted(command.name, command.argument);
  const auto* next = cursor_.expected();
  if (!next) return text + ", which is at its end.";
  return text + "; it goes on with " + quoted(next->verb, next->argument) + ".";
}

}  // namespace ftpscope
