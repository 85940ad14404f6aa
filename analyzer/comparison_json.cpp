#include "analyzer/comparison_json.h"

#include "analyzer/json_text.h"

namespace ftpscope {

namespace {

template <class Items, class Write>
void append_list(std::string& out, const Items& items, const Write& write) {
  out += '[';
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ',';
    first = false;
    write(item);
  }
  out += ']';
}

void append_differences(std::string& out, const std::vector<Difference>& differences) {
  append_list(out, differences, [&](const Difference& difference) {
    JsonObject object(out);
    object.word("aspect", name_of(difference.aspect));
    object.text("a", difference.a);
    object.text("b", difference.b);
  });
}

void add_session(JsonObject& object, std::string_view key, const SessionTransactions* session) {
  session ? object.bytes(key, session->session) : object.null(key);
}

void add_transaction(JsonObject& object, std::string_view key, const Transaction* transaction) {
  if (!transaction) return object.null(key);
  auto& out = object.name(key);
  JsonObject inner(out);
  inner.number("id", transaction->id);
  inner.bytes("verb", transaction->verb);
  if (transaction->argument) inner.bytes("argument", *transaction->argument);
  append_list(inner.name("codes"), transaction->replies, [&](const TransactionReply& reply) {
    out += reply.code ? std::to_string(*reply.code) : "null";
  });
  if (const auto latency = transaction->latency()) inner.number("latency_us", latency->count());
}

void append_session(std::string& out, const SessionComparison& session) {
  {
    JsonObject object(out);
    object.word("kind", "sessions");
    add_session(object, "a", session.a);
    add_session(object, "b", session.b);
    object.flag("same", session.same());
    append_differences(object.name("differences"), session.differences);
  }
  out += '\n';
  for (const auto& row : session.rows) {
    {
      JsonObject object(out);
      object.word("kind", "transaction");
      object.flag("same", row.differences.empty());
      add_transaction(object, "a", row.a);
      add_transaction(object, "b", row.b);
      append_differences(object.name("differences"), row.differences);
    }
    out += '\n';
  }
}

void append_expectation(std::string& out, const CheckedExpectation& checked) {
  {
    JsonObject object(out);
    object.word("kind", "expectation");
    object.bytes("expectation", checked.source);
    object.flag("met", !checked.instead);
    checked.instead ? object.text("instead", *checked.instead) : object.null("instead");
  }
  out += '\n';
}

void append_totals(std::string& out, const Comparison& comparison) {
  const auto totals = totals_of(comparison);
  {
    JsonObject object(out);
    object.word("kind", "summary");
    object.bytes("a", comparison.name_a);
    object.bytes("b", comparison.name_b);
    object.flag("same", comparison.same());
    object.number("sessions", comparison.sessions.size());
    object.number("transactions", totals.transactions);
    object.number("differ", totals.differ);
    JsonObject aspects(object.name("differences"));
    for (std::size_t i = 0; i < totals.aspects.size(); ++i) {
      aspects.number(name_of(static_cast<Aspect>(i)), totals.aspects[i]);
    }
  }
  out += '\n';
}

}  // namespace

std::string comparison_json(const Comparison& comparison) {
  std::string out;
  for (const auto& session : comparison.sessions) append_session(out, session);
  for (const auto& checked : comparison.expectations) append_expectation(out, checked);
  append_totals(out, comparison);
  return out;
}

}  // namespace ftpscope
