#include "analyzer/recorder.h"

#include "analyzer/record_json.h"

namespace ftpscope {

namespace {

bool told_once(FindingId id) {
  const bool of_a_line = id >= FindingId::line_lf_only && id <= FindingId::line_not_utf8;
  return of_a_line || id == FindingId::capture_gap || row_of(id).severity == Severity::note;
}

}  // namespace

std::string session_name(Timestamp start, std::uint64_t number) {
  constexpr std::size_t kDigits = 6;
  std::string name;
  append_time(name, start);
  std::erase_if(name, [](char c) { return c == ':' || c == '-'; });
  auto digits = std::to_string(number);
  digits.insert(0, digits.size() < kDigits ? kDigits - digits.size() : 0, '0');
  return name + "-" + digits;
}

void Recorder::record_next(Record& record) {
  auto* end = std::get_if<record::End>(&record.body);
  if (end) {  // the last record is the last: what the rules have to say of it comes before it
    rules_.see(record, *this);
    end->findings = findings_;
  }
  commands_ += std::holds_alternative<record::Command>(record.body) ? 1 : 0;
  replies_ += std::holds_alternative<record::Reply>(record.body) ? 1 : 0;
  findings_ += std::holds_alternative<record::Finding>(record.body) ? 1 : 0;
  record.seq = seq_++;
  sink_.record(record);
  if (!end) rules_.see(record, *this);
}

void Recorder::finding(FindingId id, std::optional<CommandId> to, std::string_view detail) {
  const auto bit = static_cast<std::size_t>(id);
  if (muted_ || (told_once(id) && told_.test(bit))) return;
  told_.set(bit);
  emit(record::Finding{id, to, detail});
}

}  // namespace ftpscope
