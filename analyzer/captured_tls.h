// The TLS of one captured connection: its segments in order, given to a TlsWatch.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "analyzer/tcp_stream.h"
#include "analyzer/tls_watch.h"

namespace ftpscope {

class CapturedTls {
 public:
  explicit CapturedTls(CertificateNames names_of) : watch_(names_of) {}

  void add(const TcpSegment& segment, Side from, Timestamp now) {
    stream(other(from)).ack(segment);
    stream(from).add(segment, now);
  }
  // The connection is over. What it was, if it was TLS.
  std::optional<record::Tls> finish(ChannelId channel) {
    stream(Side::client).finish();
    stream(Side::server).finish();
    return watch_.seen() ? std::optional(watch_.facts(channel)) : std::nullopt;
  }

 private:
  class Reader final : public StreamSink {
   public:
    Reader(TlsWatch& watch, Side side) : watch_(watch), side_(side) {}
    void bytes(std::string_view bytes, bool) override { watch_.take(side_, bytes); }
    void gap(std::uint64_t) override { watch_.lost(side_); }
    void overlap(std::string_view, std::string_view) override {}
    void fin() override { watch_.ended(side_); }
    void rst() override {}

   private:
    TlsWatch& watch_;
    Side side_;
  };

  ControlStream& stream(Side side) { return side == Side::client ? from_client_ : from_server_; }

  TlsWatch watch_;
  Reader client_{watch_, Side::client};
  Reader server_{watch_, Side::server};
  ControlStream from_client_{client_};
  ControlStream from_server_{server_};
};

}  // namespace ftpscope
