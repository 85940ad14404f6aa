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

void Recorder::emit(const record::Body& body) {
  if (const auto* end = std::get_if<record::End>(&body)) return emit_end(*end);
  commands_ += std::holds_alternative<record::Command>(body) ? 1 : 0;
  replies_ += std::holds_alternative<record::Reply>(body) ? 1 : 0;
  findings_ += std::holds_alternative<record::Finding>(body) ? 1 : 0;
  const Record record{now_, session_, seq_++, body};
  sink_.record(record);
  rules_.see(record, *this);
}

// The last record is the last: what the rules have to say of the end comes before it.
void Recorder::emit_end(record::End end) {
  rules_.see({now_, session_, seq_, end}, *this);
  end.findings = findings_;
  sink_.record({now_, session_, seq_++, end});
}

void Recorder::finding(FindingId id, std::optional<CommandId> to, std::string_view detail) {
  const auto bit = static_cast<std::size_t>(id);
  if (muted_ || (told_once(id) && told_.test(bit))) return;
  told_.set(bit);
  emit(record::Finding{id, to, detail});
}

}  // namespace ftpscope
