// Both sides of the claim that LogReplay gives the records of a log again, as text.
#include "analyzer/log_reader.h"
#include "analyzer/log_replay.h"
#include "analyzer/record_json.h"

namespace ftpscope {

namespace {

// Sessions one after the other: how they were interleaved does not come again.
class SessionTexts final : public RecordSink {
 public:
  void record(const Record& record) override {
    append_json(texts_[std::string(record.session)], {record.time, record.session, 0, record.body});
  }
  [[nodiscard]] std::string joined() const {
    std::string all;
    for (const auto& [session, text] : texts_) all += text;
    return all;
  }

 private:
  std::map<std::string, std::string> texts_;
};

}  // namespace

std::string records_to_come_again(std::string_view log) {
  SessionTexts texts;
  LogReader().read(log, [&](const Record& record) { texts.record(record); });
  return texts.joined();
}

std::string records_come_again(std::string_view log) {
  SessionTexts texts;
  LogReplay replay(texts);
  LogReader().read(log, [&](const Record& record) { replay.add(record); });
  replay.finish();
  return texts.joined();
}

}  // namespace ftpscope
