#include "analyzer/tls_watch.h"

#include <algorithm>

namespace ftpscope {

namespace {

constexpr std::uint8_t kChangeCipherSpec = 20;
constexpr std::uint8_t kAlert = 21;
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kApplicationData = 23;

constexpr std::uint8_t kClientHello = 1;
constexpr std::uint8_t kServerHello = 2;
constexpr std::uint8_t kCertificate = 11;

constexpr std::uint16_t kServerName = 0;  // extensions
constexpr std::uint16_t kAlpn = 16;
constexpr std::uint16_t kPreSharedKey = 41;
constexpr std::uint16_t kSupportedVersions = 43;

constexpr std::uint16_t kTls12 = 0x0303;
constexpr std::uint16_t kTls13 = 0x0304;

// RFC 8446 4.1.3: a ServerHello with this random asks for another ClientHello.
constexpr std::string_view kHelloRetryRequest(
    "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91"
    "\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c",
    32);

// Big-endian numbers and length-prefixed vectors; empty and 0 behind the end.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  std::uint32_t number(std::size_t size) {
    std::uint32_t value = 0;
    for (const char c : bytes(size)) value = (value << 8U) | static_cast<unsigned char>(c);
    return value;
  }
  std::string_view bytes(std::size_t size) {
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken.size() == size ? taken : std::string_view{};
  }
  // A vector whose length stands before it in so many bytes.
  std::string_view vector(std::size_t length_size) { return bytes(number(length_size)); }

 private:
  std::string_view rest_;
};

template <class Take>
void each_extension(std::string_view extensions, Take take) {
  Cursor cursor(extensions);
  while (!cursor.at_end()) {
    const auto type = static_cast<std::uint16_t>(cursor.number(2));
    take(type, cursor.vector(2));
  }
}

std::string name_of_version(std::uint16_t version) {
  switch (version) {
    case 0x0300: return "SSL 3.0";
    case 0x0301: return "1.0";
    case 0x0302: return "1.1";
    case kTls12: return "1.2";
    case kTls13: return "1.3";
    default: return {};
  }
}

std::vector<std::string_view> views_of(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

}  // namespace

void TlsWatch::take(Side side, std::string_view bytes) {
  auto& from = direction(side);
  constexpr std::size_t kHeader = 5;
  while (!bytes.empty() && !from.lost) {
    if (from.left == 0) {
      const auto missing = std::min(kHeader - from.header.size(), bytes.size());
      from.header.append(bytes.substr(0, missing));
      bytes.remove_prefix(missing);
      if (from.header.size() == kHeader) begin_record(from);
      continue;
    }
    const auto piece = bytes.substr(0, from.left);
    const bool in_clear = from.type == kHandshake && !from.encrypted;
    if (in_clear && from.handshake.size() < kHandshakeMax) from.handshake.append(piece);
    from.left -= piece.size();
    bytes.remove_prefix(piece.size());
    if (in_clear && from.left == 0) read_handshake(from, side);
  }
}

void TlsWatch::begin_record(Direction& from) {
  Cursor header(from.header);
  from.type = static_cast<std::uint8_t>(header.number(1));
  header.number(2);  // the version of the record layer says nothing (RFC 8446 5.1)
  from.left = header.number(2);
  from.header.clear();
  if (from.type < kChangeCipherSpec || from.type > kApplicationData) from.lost = true;
  // In TLS 1.3 it means nothing (RFC 8446 D.4), and hellos may still follow it.
  if (from.type == kChangeCipherSpec && version_ != 0) from.encrypted = true;
  from.alert_last = from.type == kAlert;
  data_ = data_ || from.type == kApplicationData;
}

void TlsWatch::read_handshake(Direction& from, Side side) {
  constexpr std::size_t kHeader = 4;
  std::string_view rest = from.handshake;
  while (rest.size() >= kHeader) {
    Cursor message(rest);
    const auto type = static_cast<std::uint8_t>(message.number(1));
    const auto size = message.number(3);
    if (rest.size() < kHeader + size) break;
    on_message(side, type, rest.substr(kHeader, size));
    rest.remove_prefix(kHeader + size);
  }
  from.handshake.erase(0, from.handshake.size() - rest.size());
}

void TlsWatch::on_message(Side side, std::uint8_t type, std::string_view body) {
  if (side == Side::client && type == kClientHello) on_client_hello(body);
  if (side == Side::server && type == kServerHello) on_server_hello(body);
  if (side == Side::server && type == kCertificate) on_certificate(body);
}

void TlsWatch::on_client_hello(std::string_view body) {
  client_hello_ = true;
  constexpr std::size_t kVersionAndRandom = 34;
  Cursor hello(body);
  hello.bytes(kVersionAndRandom);
  hello.vector(1);  // session id
  hello.vector(2);  // cipher suites
  hello.vector(1);  // compression methods
  alpn_.clear();
  each_extension(hello.vector(2), [this](std::uint16_t type, std::string_view data) {
    if (type == kServerName) {
      Cursor names(data);
      Cursor first(names.vector(2));
      first.number(1);  // host_name
      sni_ = first.vector(2);
    } else if (type == kAlpn) {
      Cursor list(data);
      Cursor protocols(list.vector(2));
      while (!protocols.at_end() && alpn_.size() < kNamesMax) {
        alpn_.emplace_back(protocols.vector(1));
      }
    }
  });
}

void TlsWatch::on_server_hello(std::string_view body) {
  constexpr std::size_t kRandom = 32;
  Cursor hello(body);
  auto version = static_cast<std::uint16_t>(hello.number(2));
  const bool retry = hello.bytes(kRandom) == kHelloRetryRequest;
  hello.vector(1);  // session id
  hello.number(2);  // cipher suite
  hello.number(1);  // compression method
  bool psk = false;
  each_extension(hello.vector(2), [&](std::uint16_t type, std::string_view data) {
    if (type == kSupportedVersions) version = static_cast<std::uint16_t>(Cursor(data).number(2));
    psk = psk || type == kPreSharedKey;
  });
  if (retry) return;
  server_hello_ = true;
  version_ = version;
  psk_ = psk;
}

void TlsWatch::on_certificate(std::string_view body) {
  certificate_ = true;
  Cursor message(body);
  Cursor list(message.vector(3));
  if (names_of_) names_ = names_of_(list.vector(3), kNamesMax);
}

// In TLS 1.3 alerts are encrypted and look like data. Before, an alert at the end is close_notify,
// or an error that was told: either way the end is no truncation.
std::optional<bool> TlsWatch::close_notify(Side side) {
  const auto& from = direction(side);
  const bool readable = version_ != 0 && version_ <= kTls12 && from.encrypted && !from.lost;
  if (!readable) return std::nullopt;
  if (from.alert_last) return true;
  return from.ended ? std::optional(false) : std::nullopt;
}

record::Tls TlsWatch::facts(std::optional<ChannelId> channel) {
  record::Tls tls;
  tls.channel = channel;
  version_text_ = server_hello_ ? name_of_version(version_) : std::string{};
  tls.version = version_text_;
  tls.sni = sni_;
  alpn_views_ = views_of(alpn_);
  name_views_ = views_of(names_);
  tls.alpn = alpn_views_;
  tls.names = name_views_;
  const bool decided = version_ == kTls13 || direction(Side::server).encrypted;
  if (server_hello_ && decided) tls.resumed = version_ == kTls13 ? psk_ : !certificate_;
  const bool readable = server_hello_ && version_ <= kTls12;
  const bool whole = !direction(Side::client).lost && !direction(Side::server).lost;
  if (readable && (data_ || whole)) tls.carried_data = data_;
  tls.close_notify_client = close_notify(Side::client);
  tls.close_notify_server = close_notify(Side::server);
  return tls;
}

}  // namespace ftpscope
