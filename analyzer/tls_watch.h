// What a TLS connection shows to somebody who only watches it: the hellos, up to TLS 1.2 the
// server's certificate, and how it ended. Reads the record layer (RFC 8446 5.1, RFC 5246 6.2) of
// both directions and the handshake as far as it is in clear. Decrypts nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/record.h"

namespace ftpscope {

// The names in an X.509 certificate (DER), at most so many; none when it cannot be read. Whoever
// drives the analysis has a library for that.
using CertificateNames = std::vector<std::string> (*)(std::string_view der, std::size_t most);

class TlsWatch {
 public:
  static constexpr std::size_t kHandshakeMax = 65536;  // bytes in clear, of each side
  static constexpr std::size_t kNamesMax = 16;         // of a certificate, and of ALPN

  // Without a reader the names stay unknown.
  explicit TlsWatch(CertificateNames names_of = nullptr) : names_of_(names_of) {}

  // The next bytes of one side, in order.
  void take(Side from, std::string_view bytes);
  // Bytes are missing: what follows cannot be read.
  void lost(Side from) { direction(from).lost = true; }
  // This side has closed the connection.
  void ended(Side from) { direction(from).ended = true; }

  // Whether there is anything to tell: a hello was seen.
  [[nodiscard]] bool seen() const { return client_hello_ || server_hello_; }

  // What is known so far. Its views are valid until the next call of take() or facts().
  record::Tls facts(std::optional<ChannelId> channel);

 private:
  struct Direction {
    std::string header;       // of the record that begins here, until it is whole
    std::size_t left = 0;     // bytes of the record at hand
    std::uint8_t type = 0;    // of that record
    std::string handshake;    // in clear, not yet understood
    bool encrypted = false;   // behind ChangeCipherSpec
    bool alert_last = false;  // the last record was an alert
    bool lost = false;
    bool ended = false;
  };

  Direction& direction(Side side) { return directions_[static_cast<std::size_t>(side)]; }
  [[nodiscard]] std::optional<bool> close_notify(Side side);
  void begin_record(Direction& from);
  void read_handshake(Direction& from, Side side);
  void on_message(Side side, std::uint8_t type, std::string_view body);
  void on_client_hello(std::string_view body);
  void on_server_hello(std::string_view body);
  void on_certificate(std::string_view body);

  CertificateNames names_of_;
  std::array<Direction, 2> directions_;
  bool client_hello_ = false;
  bool server_hello_ = false;
  bool certificate_ = false;
  bool data_ = false;  // a record of application data; in TLS 1.3 nearly all look so
  bool psk_ = false;   // the server accepted one (TLS 1.3)
  std::uint16_t version_ = 0;
  std::string version_text_;
  std::string sni_;
  std::vector<std::string> alpn_;
  std::vector<std::string> names_;
  std::vector<std::string_view> alpn_views_;
  std::vector<std::string_view> name_views_;
};

}  // namespace ftpscope
