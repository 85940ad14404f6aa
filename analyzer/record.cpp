#include "analyzer/record.h"

namespace ftpscope {

std::string_view name_of(Side side) { return side == Side::client ? "client" : "server"; }

std::string_view name_of(Setup setup) {
  switch (setup) {
    case Setup::port: return "port";
    case Setup::eprt: return "eprt";
    case Setup::lprt: return "lprt";
    case Setup::pasv: return "pasv";
    case Setup::epsv: return "epsv";
    case Setup::lpsv: return "lpsv";
    case Setup::unknown: return "unknown";
  }
  return "";
}

std::string_view name_of(Direction direction) {
  return direction == Direction::download ? "download" : "upload";
}

std::string_view name_of(ChannelEnd end) {
  switch (end) {
    case ChannelEnd::fin: return "fin";
    case ChannelEnd::rst: return "rst";
    case ChannelEnd::timeout: return "timeout";
    case ChannelEnd::never_connected: return "never-connected";
    case ChannelEnd::connect_failed: return "connect-failed";
    case ChannelEnd::replaced: return "replaced";
    case ChannelEnd::session_ended: return "session-ended";
    case ChannelEnd::refused: return "refused";
    case ChannelEnd::open: return "open";
  }
  return "";
}

std::string_view name_of(SessionEnd end) {
  switch (end) {
    case SessionEnd::fin: return "fin";
    case SessionEnd::rst: return "rst";
    case SessionEnd::timeout: return "timeout";
    case SessionEnd::limit: return "limit";
    case SessionEnd::refused: return "refused";
    case SessionEnd::shutdown: return "shutdown";
    case SessionEnd::connect_failed: return "connect-failed";
    case SessionEnd::not_ftp: return "not-ftp";
    case SessionEnd::open: return "open";
  }
  return "";
}

namespace record {

std::uint64_t bytes_of(const Data& data) { return data.bytes_to_client + data.bytes_to_server; }

std::optional<Duration> duration_of(const Data& data) {
  if (!data.connected) return std::nullopt;
  return data.last_byte.value_or(data.closed) - *data.connected;
}

std::optional<std::uint64_t> rate_of(const Data& data) {
  const auto duration = duration_of(data);
  const auto bytes = bytes_of(data);
  if (!duration || duration->count() <= 0 || bytes == 0) return std::nullopt;
  constexpr std::uint64_t kMicroseconds = 1'000'000;
  const auto us = static_cast<std::uint64_t>(duration->count());
  return bytes / us * kMicroseconds +
         bytes % us * kMicroseconds / us;  // in one step: 18 TB overflow
}

}  // namespace record

}  // namespace ftpscope
