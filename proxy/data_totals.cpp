#include "proxy/data_totals.h"

namespace ftpscope {

record::Data data_record(const DataUse& use, const DataTotals& totals, Timestamp closed) {
  record::Data data;
  data.id = use.channel;
  data.to = use.to;
  if (use.to) {
    data.verb = use.verb;
    data.direction = use.direction;
  }
  data.setup = use.setup;
  data.client = data.server = totals.leg;
  const bool download = use.direction == Direction::download;
  (download ? data.bytes_to_client : data.bytes_to_server) = totals.bytes;
  data.exposed = use.exposed;
  data.connected = totals.connected;
  data.first_byte = totals.first_byte;
  data.last_byte = totals.last_byte;
  data.closed = closed;
  data.closed_first = totals.closed_first;
  data.how = totals.how;
  data.captured = true;  // one connection, and no proxy
  const auto& taken = totals.taken;
  data.payload = taken.payload;
  data.sha256 = taken.payload.empty() ? totals.sha256 : taken.sha256;
  data.unrecorded = taken.unrecorded;
  data.unrecorded_why = taken.unrecorded_why;
  return data;
}

}  // namespace ftpscope
