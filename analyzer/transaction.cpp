#include "analyzer/transaction.h"

#include <algorithm>
#include <utility>

#include "analyzer/verbs.h"

namespace ftpscope {

namespace {

std::string raw_of(const record::Reply& reply) {
  std::string raw;
  for (std::size_t i = 0; i < reply.lines.size(); ++i) {
    raw.append(reply.lines[i]).append(bytes_of(reply.endings[i]));
  }
  return raw;
}

std::optional<std::string> owned(std::optional<std::string_view> text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

}  // namespace

const TransactionReply* Transaction::final_reply() const {
  const auto found = std::ranges::find_if(replies, &TransactionReply::final);
  return found == replies.end() ? nullptr : &*found;
}

std::optional<int> Transaction::code() const {
  const auto* reply = final_reply();
  return reply ? reply->code : std::nullopt;
}

std::optional<Duration> Transaction::latency() const {
  const auto* reply = final_reply();
  return reply ? std::optional(reply->time - sent) : std::nullopt;
}

void TransactionCollector::record(const Record& record) {
  const bool of_no_session = std::holds_alternative<record::Lost>(record.body) ||
                             std::holds_alternative<record::Damage>(record.body) ||
                             std::holds_alternative<record::Capture>(record.body);
  if (of_no_session) return;
  auto& progress = progress_of(record);
  std::visit([&](const auto& body) { on(progress, record, body); }, record.body);
}

std::vector<SessionTransactions> TransactionCollector::take() {
  progress_.clear();
  count_ = 0;
  return std::exchange(sessions_, {});
}

TransactionCollector::Progress& TransactionCollector::progress_of(const Record& record) {
  if (const auto known = progress_.find(record.session); known != progress_.end()) {
    return known->second;
  }
  auto& progress = progress_[std::string(record.session)];
  progress.place = sessions_.size();
  sessions_.emplace_back().session = record.session;
  return progress;
}

Transaction* TransactionCollector::transaction_of(Progress& progress, std::optional<CommandId> id) {
  const auto found = id ? progress.index.find(*id) : progress.index.end();
  if (found == progress.index.end()) return nullptr;
  return &session_of(progress).transactions[found->second];
}

// Null: there are too many.
Transaction* TransactionCollector::begin(Progress& progress, CommandId id) {
  auto& session = session_of(progress);
  if (count_ >= kTransactionsMax) {
    session.truncated = true;
    return nullptr;
  }
  ++count_;
  progress.index[id] = session.transactions.size();
  auto& transaction = session.transactions.emplace_back();
  transaction.id = id;
  return &transaction;
}

void TransactionCollector::on(Progress& progress, const Record& record,
                              const record::Session& body) {
  auto& session = session_of(progress);
  session.client = body.client;
  session.server = body.server;
  if (progress.index.contains(0)) return;
  if (auto* greeting = begin(progress, 0)) {
    greeting->verb = kGreeting.name;
    greeting->sent = record.time;
  }
}

void TransactionCollector::on(Progress& progress, const Record& record, const record::Connected&) {
  if (auto* greeting = transaction_of(progress, 0)) greeting->sent = record.time;
}

void TransactionCollector::on(Progress& progress, const Record& record,
                              const record::Command& body) {
  if (body.by_proxy) return;
  auto* command = begin(progress, body.id);
  if (!command) return;
  command->verb = body.verb;
  command->argument = owned(body.argument);
  command->line = owned(body.line);
  command->hidden = body.redacted;
  command->urgent = body.urgent;
  command->sent = record.time;
  if (!progress.waiting.empty()) {
    command->behind = *progress.waiting.begin();
    const auto* head = transaction_of(progress, command->behind);
    command->in_transfer =
        head && std::ranges::any_of(head->replies, &TransactionReply::preliminary);
  }
  progress.waiting.insert(body.id);
}

void TransactionCollector::on(Progress& progress, const Record& record, const record::Reply& body) {
  if (body.for_proxy) return;
  auto* answered = transaction_of(progress, body.to);
  if (!answered && body.to == CommandId{0})
    answered = begin(progress, 0);  // a log without `session`
  auto& session = session_of(progress);
  if (answered) {
    progress.last_answered = static_cast<std::size_t>(answered - session.transactions.data());
    if (body.to == CommandId{0}) answered->verb = kGreeting.name;
  } else if (progress.last_answered) {
    answered = &session.transactions[*progress.last_answered];
  } else if (!session.transactions.empty()) {
    answered = &session.transactions.front();
  } else {
    return;  // before the greeting, and the log does not have the session's beginning
  }
  answered->replies.push_back(
      {body.code, raw_of(body), record.time, body.to.has_value(), body.by_proxy});
  if (body.to && !body.preliminary) progress.waiting.erase(*body.to);
}

void TransactionCollector::on(Progress& progress, const Record&, const record::Data& body) {
  auto* transfer = transaction_of(progress, body.to);
  if (!transfer) return;
  TransactionData data;
  data.setup = body.setup;
  data.direction =
      body.direction.value_or(body.bytes_to_server > 0 ? Direction::upload : Direction::download);
  data.bytes = data.direction == Direction::download ? body.bytes_to_client : body.bytes_to_server;
  data.missing = body.missing;
  data.payload = body.payload;
  data.sha256 = body.sha256;
  data.connected = body.connected;
  data.duration = duration_of(body);
  data.closed_first = body.closed_first;
  data.how = body.how;
  data.channel = body.id;
  if (body.connected && body.first_byte) data.first_byte = *body.first_byte - *body.connected;
  data.over = body.last_byte ? body.last_byte : body.closed;
  data.unrecorded = body.unrecorded;
  transfer->data = std::move(data);
}

void TransactionCollector::on(Progress& progress, const Record&, const record::Finding& body) {
  auto* about = transaction_of(progress, body.to);
  auto& findings = about ? about->findings : session_of(progress).findings;
  findings.push_back({body.id, std::string(body.detail)});
}

void TransactionCollector::on(Progress& progress, const Record&, const record::Opaque&) {
  session_of(progress).opaque = true;
}

void TransactionCollector::on(Progress& progress, const Record& record, const record::End& body) {
  session_of(progress).end = TransactionsEnd{record.time, body.by, body.how};
}

}  // namespace ftpscope
