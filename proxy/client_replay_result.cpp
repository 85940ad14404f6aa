#include "proxy/client_replay_result.h"

#include <algorithm>
#include <map>

#include "analyzer/log_replay.h"

namespace ftpscope {

namespace {

// Another way to set up data connections was asked for (--mode), or IPv6 did: no difference.
void forgive_other_setup(ComparedTransaction& row) {
  std::erase_if(row.differences, [](const Difference& d) { return d.aspect == Aspect::command; });
}

bool was_aborted(const Transaction& transfer, const SessionTransactions& session) {
  return std::ranges::any_of(session.transactions, [&](const Transaction& later) {
    return later.in_transfer && later.behind == transfer.id && later.verb == "ABOR";
  });
}

// Where the recorded client broke off a transfer, how much had come by then is chance.
void forgive_broken_off_data(ComparedTransaction& row, const SessionTransactions& recorded) {
  const auto code = row.a->code();
  if (!row.a->data || !code || *code < 400) return;
  if (row.a->data->closed_first != Side::client && !was_aborted(*row.a, recorded)) return;
  std::erase_if(row.differences, [](const Difference& d) { return d.aspect == Aspect::data; });
}

// When commands were sent is the client's affair: this one waits, as long as it is not told
// otherwise. And what only a proxy or the reader of a capture sees, it does not see.
Transaction as_this_client_sees_it(Transaction transaction) {
  std::erase_if(transaction.findings, [](const TransactionFinding& finding) {
    return finding.id == FindingId::command_pipelined || finding.id == FindingId::before_greeting ||
           !is_derived(finding.id);
  });
  return transaction;
}

Difference not_played(const Transaction& transaction, const std::string& why) {
  return {Aspect::command, command_text(transaction), "not sent: " + why};
}

}  // namespace

ClientReplayResult compare_replay(const ClientScript& script, const ClientReplay& machine,
                                  const SessionTransactions& played,
                                  const ComparisonOptions& options) {
  ClientReplayResult result{{&script.expected, &played, {}, {}}, {}, 0};
  std::map<CommandId, const Transaction*> by_id;
  for (const auto& transaction : played.transactions) by_id[transaction.id] = &transaction;
  auto& rows = result.comparison.rows;
  const auto add = [&](const Transaction& a, CommandId id) -> ComparedTransaction* {
    const auto found = by_id.find(id);
    if (found == by_id.end()) return nullptr;
    const auto& b = *found->second;
    rows.push_back(
        {&a, &b, differences_of(as_this_client_sees_it(a), as_this_client_sees_it(b), options)});
    return &rows.back();
  };
  const auto& expected = script.expected.transactions;
  if (!expected.empty() && expected.front().id == 0) add(expected.front(), 0);
  for (std::size_t i = 0; i < script.steps.size(); ++i) {
    const auto& step = script.steps[i];
    const auto& outcome = machine.results()[i];
    const auto& recorded = expected[step.expected];
    if (outcome.played) {
      ++result.played;
      auto* row = add(recorded, *outcome.played);
      if (row && outcome.other_setup) forgive_other_setup(*row);
      if (row) forgive_broken_off_data(*row, script.expected);
    } else if (!step.skipped.empty() || outcome.needless) {
      result.left_out.push_back(command_text(recorded) + ": " +
                                (step.skipped.empty() ? outcome.not_sent : step.skipped));
    } else {
      const auto& why = outcome.not_sent.empty() ? machine.broken_off() : outcome.not_sent;
      rows.push_back({&recorded, nullptr, {not_played(recorded, why)}});
    }
  }
  if (!machine.broken_off().empty()) {
    result.comparison.differences.push_back(
        {Aspect::session, "played to its end", "broken off: " + machine.broken_off()});
  }
  return result;
}

}  // namespace ftpscope
