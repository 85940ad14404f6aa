#include "tests/transcripts/recorded.h"

#include <sstream>
#include <stdexcept>

#include "analyzer/record_json.h"
#include "tests/transcripts/notation.h"

namespace ftpscope::transcripts {

Words words_of(const std::string& text) {
  std::istringstream stream(text);
  Words words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

Recorded::Recorded() : now_(std::chrono::sys_days(std::chrono::year(2026) / 11 / 21)) {
  const auto client = parse_endpoint("192.0.2.9:4000").value();
  observer_.recorder().at(now_);
  observer_.recorder().emit(record::Session{client, std::nullopt, "old:21", {}, {}});
  observer_.recorder().emit(record::Connected{parse_endpoint("198.51.100.1:21").value(), client});
  observer_.connected(now_);
}

void Recorded::add(const std::string& line) {
  const auto rest = line.size() > 3 ? line.substr(3) : "";
  if (line.starts_with("R> ")) return read(Side::client, unescaped(rest) + "\r\n");
  if (line.starts_with("R< ")) return read(Side::server, unescaped(rest) + "\r\n");
  if (line.starts_with("R<+ ")) return read(Side::server, unescaped(line.substr(4)));
  if (line.starts_with("R= ")) return data(words_of(rest));
  if (line == "R! closed" || line == "R! reset") return end(line == "R! reset");
  const auto time = line.starts_with("R+ ") ? parse_duration(rest) : std::nullopt;
  if (!time) throw std::runtime_error("not understood: " + line);
  now_ += *time;
}

void Recorded::read(Side from, const std::string& bytes) {
  auto& place = places_[static_cast<std::size_t>(from)];
  place.pass(bytes);
  append_timing(timing_, ControlRead{"recorded", now_, from, place});
  observer_.received(from, bytes, false, now_);
}

// `R= 5 download 1000 payload-1.bin client`: command, direction, bytes, file, who closed first; and
// perhaps what else is to be said of it: `early` (226 was said before the data ended), `reset`.
void Recorded::data(const Words& words) {
  record::Data data;
  data.id = ++channels_;
  data.to = static_cast<CommandId>(std::stoul(words.at(0)));
  data.verb = "x";
  const bool download = words.at(1) == "download";
  data.direction = download ? Direction::download : Direction::upload;
  (download ? data.bytes_to_client : data.bytes_to_server) = std::stoul(words.at(2));
  data.payload = words.at(3);
  data.closed_first = words.at(4) == "client" ? Side::client : Side::server;
  data.exposed = data.closed = now_;
  data.connected = data.last_byte = now_;
  const std::string special = words.size() > 5 ? words[5] : "";
  if (special == "reset") data.how = ChannelEnd::rst;
  observer_.recorder().at(now_);
  if (special == "early") observer_.recorder().finding(FindingId::reply_before_data_end, data.to);
  observer_.recorder().emit(data);
}

// By the server.
void Recorded::end(bool reset) {
  observer_.closed(Side::server, now_);
  record::End end;
  end.by = Side::server;
  end.how = reset ? SessionEnd::rst : SessionEnd::fin;
  observer_.recorder().at(now_);
  observer_.recorder().emit(end);
}

void Recorded::record(const Record& record) {
  collector_.record(record);
  append_json(log_, record);
}

}  // namespace ftpscope::transcripts
