// Who keeps what a session moved: the payloads of its data channels, and how the bytes came. An
// extraction or a recording (proxy/io) takes them; this side knows nothing of files.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "analyzer/record.h"
#include "analyzer/recording_timing.h"

namespace ftpscope {

// What became of the bytes that one side sent over a data channel.
struct TakenData {
  std::string payload;  // the file; empty when there is none
  std::string sha256;
  std::string type;
  std::uint64_t unrecorded = 0;  // bytes at the end that are not in the file
  std::string unrecorded_why;
};

// By who sent.
using TakenBothWays = std::array<TakenData, 2>;

// What belongs into the record: that of the transfer's direction, or without one the first there
// is. The record's views point into `taken`.
inline void describe(const TakenBothWays& taken, record::Data& data) {
  const auto& [from_client, from_server] = taken;
  const bool server = data.direction ? *data.direction == Direction::download
                                     : !from_server.payload.empty() || from_server.unrecorded > 0;
  const auto& kept = server ? from_server : from_client;
  data.payload = kept.payload;
  data.sha256 = kept.sha256;
  data.type = kept.type;
  data.unrecorded = kept.unrecorded;
  data.unrecorded_why = kept.unrecorded_why;
}

// Saves what data connections carried. The names of files are its own affair.
class DataTaker {
 public:
  struct Source {
    std::string_view session;
    ChannelId channel = 0;
    Side from = Side::client;
  };
  // Bytes that were not given before, at their place in the stream; `since` the connection stood.
  virtual void take(const Source& source, std::uint64_t offset, std::string_view bytes,
                    Duration since) = 0;
  virtual TakenBothWays finish(std::string_view session, ChannelId channel) = 0;
  // Bytes of the control connection came, up to that place.
  virtual void control_read(const ControlRead& read) = 0;

 protected:
  ~DataTaker() = default;
};

}  // namespace ftpscope
