// What went through the one data connection of a replayed transfer (there is no proxy between), and
// the record that tells of it. Pure; who opened and closed it is known to the driver.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "analyzer/data_taker.h"
#include "analyzer/record.h"

namespace ftpscope {

struct DataTotals {
  std::optional<Leg> leg;  // none: it was never made
  std::uint64_t bytes = 0;
  std::string sha256;  // of all of them; empty when there are none, or it is not known
  TakenData taken;     // when they are recorded
  std::optional<Timestamp> connected;
  std::optional<Timestamp> first_byte;
  std::optional<Timestamp> last_byte;
  std::optional<Side> closed_first;
  ChannelEnd how = ChannelEnd::fin;

  // So many bytes were sent, or came.
  void moved(std::uint64_t count, Timestamp now) {
    if (!first_byte) first_byte = now;
    last_byte = now;
    bytes += count;
  }
};

// What a data connection was agreed on and used for.
struct DataUse {
  ChannelId channel = 0;
  std::optional<CommandId> to = {};  // the transfer command; none: it was refused
  std::string_view verb = {};        // of that command
  Direction direction = Direction::download;
  Setup setup = Setup::unknown;
  Timestamp exposed{};
};

// The record's views are those of `use` and `totals`.
record::Data data_record(const DataUse& use, const DataTotals& totals, Timestamp closed);

}  // namespace ftpscope
