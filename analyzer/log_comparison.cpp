// Which records of a log LogReplay gives again, and both sides of that claim as text.
#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "analyzer/log_replay.h"
#include "analyzer/record_json.h"

namespace ftpscope {

namespace {

// The findings that follow from the lines of the dialogue alone.
constexpr auto kOfTheDialogue = std::to_array<FindingId>({
    FindingId::reply_unsolicited,     FindingId::reply_second_final,
    FindingId::reply_without_code,    FindingId::reply_code_range,
    FindingId::reply_no_space,        FindingId::reply_bare_code_end,
    FindingId::reply_other_code_end,  FindingId::reply_unfinished,
    FindingId::reply_line_like_final, FindingId::reply_illegal_code,
    FindingId::reply_no_preliminary,  FindingId::reply_missing,
    FindingId::line_lf_only,          FindingId::line_no_ending,
    FindingId::line_bare_cr,          FindingId::line_nul,
    FindingId::line_telnet,           FindingId::line_not_utf8,
    FindingId::command_unknown,       FindingId::command_argument,
    FindingId::command_pipelined,     FindingId::tls_opaque,
});

struct Comes {
  bool operator()(const record::Command&) const { return true; }
  bool operator()(const record::Reply& reply) const { return reply.to || !reply.by_proxy; }
  bool operator()(const record::ReplyPart&) const { return true; }
  bool operator()(const record::Finding& finding) const {
    return std::ranges::find(kOfTheDialogue, finding.id) != kOfTheDialogue.end();
  }
  bool operator()(const record::Opaque&) const { return true; }
  template <class Other>
  bool operator()(const Other&) const {
    return false;
  }
};

// Sessions one after the other: how they were interleaved does not come again.
class SessionTexts final : public RecordSink {
 public:
  void record(const Record& record) override {
    if (!comes_again(record.body) || tells_of_hidden(record)) return;
    append_json(texts_[std::string(record.session)], {record.time, record.session, 0, record.body});
  }
  [[nodiscard]] std::string joined() const {
    std::string all;
    for (const auto& [session, text] : texts_) all += text;
    return all;
  }

 private:
  // The oddities of a line whose argument was hidden went with it.
  bool tells_of_hidden(const Record& record) {
    if (const auto* command = std::get_if<record::Command>(&record.body)) {
      if (command->redacted) hidden_.emplace(record.session, command->id);
    }
    const auto* finding = std::get_if<record::Finding>(&record.body);
    const bool of_a_line = finding && finding->to && finding->id >= FindingId::line_lf_only &&
                           finding->id <= FindingId::line_not_utf8;
    return of_a_line && hidden_.contains({std::string(record.session), *finding->to});
  }

  std::map<std::string, std::string> texts_;
  std::set<std::pair<std::string, CommandId>> hidden_;
};

}  // namespace

bool comes_again(const record::Body& body) { return std::visit(Comes{}, body); }

std::string records_to_come_again(std::string_view log) {
  SessionTexts texts;
  read_log(log, [&](const OwnedRecord& record) { texts.record(*record); });
  return texts.joined();
}

std::string records_come_again(std::string_view log) {
  SessionTexts texts;
  LogReplay replay(texts);
  read_log(log, [&](const OwnedRecord& record) { replay.add(*record); });
  replay.finish();
  return texts.joined();
}

}  // namespace ftpscope
