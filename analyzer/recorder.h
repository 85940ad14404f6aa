// Numbers and stamps the records of one session, counts them for its `end` record, and shows each
// to the rules.
#pragma once

#include <bitset>
#include <cstddef>
#include <string>
#include <string_view>

#include "analyzer/record.h"
#include "analyzer/rules.h"

namespace ftpscope {

// "20261121T094339.123456Z-000001": sorts by time, and apart from the others of the same moment.
std::string session_name(Timestamp start, std::uint64_t number);

class Recorder final : private FindingSink {
 public:
  Recorder(std::string session, RecordSink& sink) : session_(std::move(session)), sink_(sink) {}

  void at(Timestamp now) { now_ = now; }
  [[nodiscard]] Timestamp now() const { return now_; }
  [[nodiscard]] const std::string& session() const { return session_; }

  // It happened now. One of record::Body, whose other kinds are larger: only this one is copied.
  template <class Fact>
  void emit(const Fact& fact) {
    Record record{now_, session_, 0, fact};
    record_next(record);
  }

  // Notes, and oddities of lines, are told once a session: a server that ends each line with LF
  // alone is one finding, not ten thousand.
  void finding(FindingId id, std::optional<CommandId> to, std::string_view detail = {}) override;

  // No findings until it is taken back.
  void mute(bool on) { muted_ = on; }

  [[nodiscard]] std::uint64_t findings() const { return findings_; }
  [[nodiscard]] std::uint64_t commands() const { return commands_; }
  [[nodiscard]] std::uint64_t replies() const { return replies_; }

 private:
  void record_next(Record& record);

  std::string session_;
  RecordSink& sink_;
  Timestamp now_{};
  std::uint64_t seq_ = 0;
  std::uint64_t findings_ = 0;
  std::uint64_t commands_ = 0;
  std::uint64_t replies_ = 0;
  std::bitset<static_cast<std::size_t>(FindingId::count_)> told_;
  bool muted_ = false;
  Rules rules_;
};

}  // namespace ftpscope
