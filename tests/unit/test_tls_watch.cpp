#include "analyzer/tls_watch.h"

#include <doctest/doctest.h>

#include "tests/unit/frames.h"

using namespace ftpscope;
using namespace ftpscope::unit;

namespace {

std::string vector8(const std::string& bytes) { return number(bytes.size(), 1) + bytes; }
std::string vector16(const std::string& bytes) { return number(bytes.size(), 2) + bytes; }

// RFC 8446 5.1, RFC 5246 6.2.1.
std::string tls_record(unsigned type, const std::string& body) {
  return u8(type) + u16(0x0303) + vector16(body);
}
// RFC 8446 4.
std::string message(unsigned type, const std::string& body) {
  return u8(type) + number(body.size(), 3) + body;
}
std::string extension(unsigned type, const std::string& body) { return u16(type) + vector16(body); }

std::string client_hello() {
  const auto name = vector16(u8(0) + vector16("ftp.example.com"));
  const auto alpn = vector16(vector8("ftp") + vector8("x"));
  return message(1, u16(0x0303) + std::string(32, 'r') + vector8(std::string(32, 's')) +
                        vector16(u16(0x1301) + u16(0xc02f)) + vector8(u8(0)) +
                        vector16(extension(0, name) + extension(16, alpn) +
                                 extension(43, vector8(u16(0x0304)))));
}
std::string server_hello(unsigned version, const std::string& extensions,
                         const std::string& random = std::string(32, 'R')) {
  return message(2, u16(version) + random + vector8(std::string(32, 's')) + u16(0x1301) + u8(0) +
                        vector16(extensions));
}

struct Handshake {
  std::string client;
  std::string server;
};

const std::string kSpec = tls_record(20, u8(1));  // ChangeCipherSpec
const std::string kAlert = tls_record(21, std::string(26, 'a'));
const std::string kData = tls_record(23, std::string(100, 'd'));
const std::string kFinished = tls_record(22, std::string(40, 'f'));  // encrypted by then

Handshake tls12(bool resumed) {
  auto server = tls_record(22, server_hello(0x0303, ""));
  if (!resumed) server += tls_record(22, message(11, number(0, 3)) + message(14, ""));
  return {tls_record(22, client_hello()) + kSpec + kFinished + kData + kAlert,
          server + kSpec + kFinished + kData + kAlert};
}
Handshake tls13(bool resumed) {
  auto extensions = extension(43, u16(0x0304));
  if (resumed) extensions += extension(41, u16(0));  // pre_shared_key
  return {tls_record(22, client_hello()) + kSpec + kData + kData,
          tls_record(22, server_hello(0x0303, extensions)) + kSpec + kData + kData};
}

// In one text: "1.3 ftp.example.com ftp,x resumed client=? server=yes".
std::string text(TlsWatch& watch) {
  const auto facts = watch.facts(std::nullopt);
  const auto word = [](std::optional<bool> value) { return !value ? "?" : *value ? "yes" : "no"; };
  auto out = std::string(facts.version) + " " + std::string(facts.sni) + " ";
  for (const auto protocol : facts.alpn) out += std::string(protocol) + ",";
  return out + " resumed=" + word(facts.resumed) + " client=" + word(facts.close_notify_client) +
         " server=" + word(facts.close_notify_server);
}

void take(TlsWatch& watch, Side side, std::string_view bytes, std::size_t cut) {
  cut = std::min(cut, bytes.size());
  watch.take(side, bytes.substr(0, cut));
  watch.take(side, bytes.substr(cut));
}

// The client's hello, all of the server's, the rest of the client's: each in two pieces.
std::string watched(const Handshake& handshake, std::size_t cut = 0) {
  TlsWatch watch;
  const auto hello = std::min(handshake.client.size(), tls_record(22, client_hello()).size());
  const std::string_view client(handshake.client);
  take(watch, Side::client, client.substr(0, hello), cut);
  take(watch, Side::server, handshake.server, cut);
  take(watch, Side::client, client.substr(hello), cut);
  watch.ended(Side::client);
  watch.ended(Side::server);
  return text(watch);
}

}  // namespace

TEST_CASE("TLS 1.2 and 1.3, new and resumed, cut at every byte") {
  struct Row {
    Handshake handshake;
    std::string expected;
  };
  const std::vector<Row> rows = {
      {tls12(false), "1.2 ftp.example.com ftp,x, resumed=no client=yes server=yes"},
      {tls12(true), "1.2 ftp.example.com ftp,x, resumed=yes client=yes server=yes"},
      {tls13(false), "1.3 ftp.example.com ftp,x, resumed=no client=? server=?"},
      {tls13(true), "1.3 ftp.example.com ftp,x, resumed=yes client=? server=?"},
  };
  for (const auto& [handshake, expected] : rows) {
    for (std::size_t cut = 0; cut <= handshake.server.size(); ++cut) {
      REQUIRE(watched(handshake, cut) == expected);
    }
  }
}

TEST_CASE("the certificate's names are read by whoever drives the analysis, up to TLS 1.2") {
  const auto reader = [](std::string_view der, std::size_t most) {
    CHECK(most == TlsWatch::kNamesMax);
    return std::vector<std::string>{"of " + std::string(der)};
  };
  TlsWatch watch(reader);
  const auto certificates = number(6, 3) + number(3, 3) + "DER";
  watch.take(Side::server, tls_record(22, server_hello(0x0303, "") + message(11, certificates)));
  const auto facts = watch.facts(std::nullopt);
  REQUIRE(facts.names.size() == 1);
  CHECK(facts.names[0] == "of DER");
}

TEST_CASE("a message in several records, and several in one") {
  const auto hello = client_hello();
  std::string records;
  for (const char c : hello) records += tls_record(22, {c});
  TlsWatch watch;
  watch.take(Side::client, records);
  watch.take(Side::server, tls_record(22, server_hello(0x0303, "") + message(11, number(0, 3))));
  watch.take(Side::server, kSpec);
  CHECK(text(watch) == "1.2 ftp.example.com ftp,x, resumed=no client=? server=?");
}

TEST_CASE("close_notify is missing when a side ends without an alert, in TLS 1.2") {
  auto handshake = tls12(false);
  handshake.server.resize(handshake.server.size() - kAlert.size());
  CHECK(watched(handshake) == "1.2 ftp.example.com ftp,x, resumed=no client=yes server=no");
  TlsWatch open;  // and none that has not ended yet
  open.take(Side::client, tls_record(22, client_hello()));
  open.take(Side::server, handshake.server);
  CHECK(text(open) == "1.2 ftp.example.com ftp,x, resumed=no client=? server=?");
}

TEST_CASE("a HelloRetryRequest is no ServerHello") {
  const std::string retry(
      "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91"
      "\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c",
      32);
  const auto version = extension(43, u16(0x0304));
  TlsWatch watch;
  watch.take(Side::client, tls_record(22, client_hello()));
  watch.take(Side::server, tls_record(22, server_hello(0x0303, version, retry)) + kSpec);
  CHECK(text(watch) == " ftp.example.com ftp,x, resumed=? client=? server=?");
  watch.take(Side::client, kSpec + tls_record(22, client_hello()));
  watch.take(Side::server, tls_record(22, server_hello(0x0303, version + extension(41, u16(0)))));
  CHECK(text(watch) == "1.3 ftp.example.com ftp,x, resumed=yes client=? server=?");
}

TEST_CASE("what is no TLS, or has a hole, tells nothing that is not there") {
  TlsWatch plain;
  plain.take(Side::server, "150 Here it comes\r\n");
  CHECK_FALSE(plain.seen());
  TlsWatch holed;
  const auto handshake = tls12(false);
  holed.take(Side::client, handshake.client.substr(0, 20));
  holed.lost(Side::client);
  holed.take(Side::client, handshake.client.substr(40));
  CHECK_FALSE(holed.seen());
  holed.take(Side::server, handshake.server);
  holed.ended(Side::client);
  CHECK(text(holed) == "1.2   resumed=no client=? server=yes");
}

TEST_CASE("any byte of a handshake may be another: nothing happens but other facts") {
  Dice dice(1);
  const auto handshake = tls12(false);
  for (std::size_t i = 0; i < handshake.client.size(); ++i) {
    auto changed = handshake;
    changed.client[i] = static_cast<char>(dice.below(256));
    changed.server[i % changed.server.size()] = static_cast<char>(dice.below(256));
    CHECK_FALSE(watched(changed, i).empty());
  }
}

TEST_CASE("handshakes without end are not kept") {
  TlsWatch watch;
  const auto endless = u8(1) + number(0xffffff, 3);
  watch.take(Side::client, tls_record(22, endless));
  for (int i = 0; i < 1000; ++i) watch.take(Side::client, tls_record(22, std::string(16000, 'x')));
  CHECK_FALSE(watch.seen());
}
