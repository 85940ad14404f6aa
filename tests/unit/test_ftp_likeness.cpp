#include "analyzer/ftp_likeness.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace ftpscope;

namespace {

using enum Likeness;

struct Row {
  const char* what;
  std::string_view client;
  std::string_view server;
  bool from_the_start;
  bool one_direction;
  Likeness expected;
};

constexpr auto kRows = std::to_array<Row>({
    // Both directions, from the SYN on.
    {"nothing yet", "", "", true, false, undecided},
    {"a greeting alone is SMTP's too", "", "220 ready\r\n", true, false, undecided},
    {"FTP", "USER joe\r\n", "220 ready\r\n331 password\r\n", true, false, yes},
    {"USER behind a 220", "USER joe\r\n", "220 ready\r\n", true, false, yes},
    {"in lower case", "user joe\r\n", "220 ready\r\n", true, false, yes},
    {"not whole yet", "US", "220 ready\r\n", true, false, undecided},
    {"a verb that only FTP has", "EPSV\r\n", "220 ready\r\n", true, false, yes},
    {"FEAT first", "FEAT\r\n", "220 ready\r\n", true, false, yes},
    {"AUTH is SMTP's too", "AUTH TLS\r\n", "220 ready\r\n", true, false, undecided},
    {"a greeting of several lines", "USER joe\r\n", "220-a\r\n220 b\r\n", true, false, yes},
    {"120 before 220", "USER joe\r\n", "120 wait\r\n220 ready\r\n", true, false, yes},
    {"SMTP", "EHLO x\r\n", "220 mail ESMTP\r\n", true, false, no},
    {"SMTP, HELO", "HELO x\r\n", "220 mail\r\n", true, false, no},
    {"NNTP", "MODE READER\r\n", "200 news\r\n", true, false, no},
    {"NNTP without posting", "", "201 news\r\n", true, false, no},
    {"POP3", "USER joe\r\n", "+OK\r\n", true, false, no},
    {"IMAP", "", "* OK IMAP4rev1\r\n", true, false, no},
    {"HTTP", "GET / HTTP/1.1\r\n", "", true, false, no},
    {"HTTP that quotes FTP (threats.md S20)", "POST / HTTP/1.1\r\n\r\nUSER joe\r\nPASV\r\n", "",
     true, false, no},
    {"commands behind something else", "xyz\r\nPASV\r\n", "220 ready\r\n", true, false, no},
    {"SSH", "", "SSH-2.0-OpenSSH\r\n", true, false, no},
    {"TLS", "\x16\x03\x01\x02\x03", "", true, false, no},
    {"telnet options", "\xff\xfb\x01\xff\xfb\x03", "", true, false, no},
    {"a code that is none", "USER joe\r\n", "999 ready\r\n", true, false, no},
    {"a code and no mark", "USER joe\r\n", "220ready\r\n", true, false, no},
    {"two digits so far", "", "22", true, false, undecided},
    {"an empty line", "\r\n", "220 ready\r\n", true, false, no},
    // In mid-session.
    {"a reply and a verb that only FTP has", "PASV\r\n", "227 (1,2,3,4,5,6)\r\n", false, false,
     yes},
    {"replies alone", "", "226 done\r\n", false, false, undecided},
    {"shared verbs alone", "NOOP\r\nNOOP\r\n", "200 fine\r\n", false, false, undecided},
    // One direction only.
    {"commands of FTP", "USER joe\r\nPASS x\r\nPASV\r\n", "", true, true, yes},
    {"commands of POP3 as well", "USER joe\r\nPASS x\r\n", "", true, true, undecided},
    {"replies with 331", "", "220 ready\r\n331 password\r\n", true, true, yes},
    {"replies that SMTP has as well", "", "220 ready\r\n250 fine\r\n", true, true, undecided},
});

}  // namespace

TEST_CASE("what FTP looks like, and what only resembles it") {
  for (const auto& row : kRows) {
    CAPTURE(std::string(row.what));
    CHECK(static_cast<int>(ftp_likeness({.from_client = row.client,
                                         .from_server = row.server,
                                         .from_the_start = row.from_the_start,
                                         .one_direction = row.one_direction})) ==
          static_cast<int>(row.expected));
  }
}

TEST_CASE("a verdict of yes or no does not change with more bytes of the same") {
  for (const auto& row : kRows) {
    CAPTURE(std::string(row.what));
    auto before = undecided;
    for (std::size_t size = 0; size <= row.client.size(); ++size) {
      const auto now = ftp_likeness({.from_client = row.client.substr(0, size),
                                     .from_server = row.server,
                                     .from_the_start = row.from_the_start,
                                     .one_direction = row.one_direction});
      CAPTURE(size);
      if (before != undecided) CHECK(static_cast<int>(now) == static_cast<int>(before));
      before = now;
    }
  }
}

TEST_CASE("which side is the server, when no SYN was seen") {
  CHECK(sends_replies("226 Done.\r\n"));
  CHECK(sends_replies("230-Hello\r\n"));
  CHECK_FALSE(sends_replies("RETR a\r\n"));
  CHECK_FALSE(sends_replies("22"));
  CHECK_FALSE(sends_replies(""));
}
