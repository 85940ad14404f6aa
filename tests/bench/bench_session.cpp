#include "tests/bench/bench_session.h"

#include <utility>

#include "analyzer/record_json.h"

namespace ftpscope::bench {

namespace {

const Endpoint kClient{IpAddress::v4(192, 0, 2, 7), 40000};
const Endpoint kProxy{IpAddress::v4(192, 0, 2, 1), 2121};
const Endpoint kServer{IpAddress::v4(198, 51, 100, 5), 21};
const Endpoint kData{IpAddress::v4(192, 0, 2, 1), 40001};

}  // namespace

BenchSession::BenchSession(Log log, bool rewriters)
    : pipeline_(rewriters ? Pipeline(options_.policy) : Pipeline()),
      log_(log),
      machine_(options_, pipeline_, "20261121T094339.123456Z-000001", *this, *this) {
  handle(event::ClientConnected{kClient, kProxy, "ftp.example.org:21"});
  handle(event::ServerConnected{kServer, kProxy});
  from_server("220 ready\r\n");
  from_client("USER anonymous\r\n");
  from_server("331 password\r\n");
  from_client("PASS guest@example.org\r\n");
  from_server("230 logged in\r\n");
}

void BenchSession::record(const Record& record) {
  if (log_ == Log::json) append_json(text_, record);
}

void BenchSession::receive(Side from, std::string_view bytes) {
  handle(event::Received{from, bytes, false});
}

// What LiveSession does around an event: the time is read, the records are handed over, the
// deadline is asked for.
void BenchSession::handle(const Event& event) {
  now_ += std::chrono::microseconds(20);
  machine_.handle(event, now_);
  log_bytes_ += text_.size();
  text_.clear();
  [[maybe_unused]] const auto due = machine_.deadline();
  if (const auto closing = std::exchange(closing_, std::nullopt)) {
    handle(event::ChannelClosed{*closing, {}, {}});
  }
  if (const auto exposing = std::exchange(exposing_, std::nullopt)) {
    newest_ = *exposing;
    handle(event::Exposed{*exposing, kData});
  }
}

void BenchSession::open_passive() {
  from_client("PASV\r\n");
  from_server("227 Entering Passive Mode (198,51,100,5,195,80).\r\n");
}

void BenchSession::move_data(std::uint64_t bytes) {
  const Leg client{kClient, kData};
  const Leg server{kProxy, {kServer.ip, 50000}};
  handle(event::ChannelOpened{newest_, client, server});
  ChannelTotals totals;
  totals.client = client;
  totals.server = server;
  totals.bytes_to_client = bytes;
  totals.connected = totals.first_byte = totals.last_byte = now_;
  totals.closed_first = Side::server;
  handle(event::ChannelDrained{newest_, Side::server});
  handle(event::ChannelDrained{newest_, Side::client});
  handle(event::ChannelClosed{newest_, totals, {}});
}

void BenchSession::quit() {
  from_client("QUIT\r\n");
  from_server("221 Bye.\r\n");
  handle(event::Closed{Side::server});
  handle(event::Closed{Side::client});
}

}  // namespace ftpscope::bench
