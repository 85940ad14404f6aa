// threats.md S09, S20.
#include <doctest/doctest.h>

#include <string>

#include "analyzer/foreign_protocol.h"

using namespace ftpscope;
using namespace std::string_view_literals;

namespace {

std::string what_is(std::string_view text) {
  std::string scratch;
  const auto raw = std::string(text) + "\r\n";
  return std::string(
      foreign_protocol(parse_command(Line{raw, Ending::crlf}, scratch)).value_or("FTP"));
}

}  // namespace

TEST_CASE("what speaks something else") {
  CHECK(what_is("GET / HTTP/1.1") == "HTTP");
  CHECK(what_is("POST /x HTTP/1.1") == "HTTP");
  CHECK(what_is("OPTIONS * HTTP/1.1") == "HTTP");
  CHECK(what_is("CONNECT a:25 HTTP/1.1") == "HTTP");
  CHECK(what_is("PRI * HTTP/2.0") == "HTTP");
  CHECK(what_is("EHLO example.org") == "SMTP");
  CHECK(what_is("HELO example.org") == "SMTP");
  CHECK(what_is("SSH-2.0-OpenSSH_9.2p1") == "SSH");
  CHECK(what_is("\x03\0\0\x13"sv) == "binary data");
  CHECK(what_is("\x80\x01") == "binary data");
  CHECK(what_is("PROXY TCP4 192.0.2.1 198.51.100.7 50000 21") == "the PROXY protocol");
  CHECK(what_is("PROXY UNKNOWN") == "the PROXY protocol");
  CHECK(what_is("\0"sv) == "the PROXY protocol");
}

TEST_CASE("what is FTP, or may be") {
  for (const auto text : {"USER anna"sv, "user anna"sv, "OPTS UTF8 ON"sv, "PROXY ftp.example.org"sv,
                          "XYZZY"sv, ""sv, " "sv, "HELP"sv,
                          "\xff\xf4\xff\xf2"
                          "ABOR"sv,
                          "U\xff\xf1SER anna"sv}) {
    CHECK_MESSAGE(what_is(text) == "FTP", std::string(text));
  }
}

TEST_CASE("TLS is known by its first byte") {
  CHECK(starts_like_tls("\x16\x03\x01"));
  CHECK_FALSE(starts_like_tls(""));
  CHECK_FALSE(starts_like_tls("USER"));
  CHECK(is_tls_record("\x15\x03"));
  CHECK_FALSE(is_tls_record("230 in\r\n"));
}
