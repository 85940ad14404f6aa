// threats.md S30: sentinels in every place where a secret is typed.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "analyzer/line_splitter.h"
#include "analyzer/redaction.h"

using namespace ftpscope;
using namespace std::string_view_literals;

namespace {

struct Hidden {
  bool argument;
  bool verb;
};

Hidden hidden(std::string_view text, bool logged_in) {
  std::string scratch;
  const auto raw = std::string(text) + "\r\n";
  const auto command = parse_command(Line{raw, Ending::crlf}, scratch);
  return {hides_argument(command, logged_in), hides_verb(command, logged_in)};
}

}  // namespace

TEST_CASE("always hidden, logged in or not") {
  for (const auto text : {"PASS S3CRET"sv,
                          "pass S3CRET"sv,
                          "PASS\tS3CRET"sv,
                          " PASS S3CRET"sv,
                          "P\xff\xf1"
                          "ASS S3CRET"sv,
                          "PASS S3CRET more"sv,
                          "ACCT S3CRET"sv,
                          "ADAT S3CRET"sv,
                          "MIC S3CRET"sv,
                          "CONF S3CRET"sv,
                          "ENC S3CRET"sv,
                          "SITE PSWD S3CRET"sv,
                          "SITE pswd a S3CRET"sv,
                          "SITE PASSWD S3CRET"sv,
                          "SITE CHPASS S3CRET"sv,
                          "SITE PASS S3CRET"sv,
                          "SITE GPASS S3CRET"sv,
                          "USER anna:S3CRET@ftp.example.org"sv,
                          "NOOP a\rPASS S3CRET"sv,
                          "STAT \0PASS S3CRET"sv}) {
    INFO(std::string(text));
    CHECK(hidden(text, false).argument);
    CHECK(hidden(text, true).argument);
  }
}

TEST_CASE("hidden before login") {
  for (const auto text :
       {"PSAS S3CRET"sv, "RETR S3CRET"sv, "CWD S3CRET"sv, "SITE ZONE"sv, "LIST S3CRET"sv}) {
    INFO(std::string(text));
    CHECK(hidden(text, false).argument);
    CHECK_FALSE(hidden(text, true).argument);
  }
  for (const auto text : {"PASSS3CRET"sv, "S3CRET"sv, "S3"sv, "Geheim"sv, "\xc3\xa4"sv}) {
    INFO(std::string(text));
    CHECK(hidden(text, false).verb);
    CHECK_FALSE(hidden(text, true).verb);
  }
}

TEST_CASE("shown before login") {
  for (const auto text :
       {"USER anna"sv, "AUTH TLS"sv, "FEAT"sv, "HOST ftp.example.org"sv, "OPTS UTF8 ON"sv, "SYST"sv,
        "PBSZ 0"sv, "PROT P"sv, "NOOP"sv, "CLNT lftp"sv, "LANG de"sv}) {
    INFO(std::string(text));
    CHECK_FALSE(hidden(text, false).argument);
    CHECK_FALSE(hidden(text, false).verb);
  }
  CHECK_FALSE(hidden("XYZ", false).verb);
}

TEST_CASE("an echo is masked, each of several secrets, the longest first") {
  SecretMask mask;
  CHECK_FALSE(mask.hides("anything"));
  mask.remember("S3CRET");
  mask.remember("ab");  // too short to be masked without harm
  mask.remember("S3C");
  CHECK(mask.hides("530 S3CRET"));
  CHECK(mask.masked("530 S3CRET, S3C!") == "530 <hidden>, <hidden>!");
  CHECK_FALSE(mask.hides("ab"));
  CHECK(mask.masked("S3CRETS3CRET") == "<hidden><hidden>");
}

TEST_CASE("memory for secrets is bounded") {
  SecretMask mask;
  for (std::size_t i = 0; i < 3 * SecretMask::kMost; ++i)
    mask.remember("secret" + std::to_string(100 + i));
  std::size_t known = 0;
  for (std::size_t i = 0; i < 3 * SecretMask::kMost; ++i) {
    known += mask.hides("secret" + std::to_string(100 + i)) ? 1 : 0;
  }
  CHECK(known == SecretMask::kMost);
  mask.remember(std::string(100000, 'x'));
  CHECK(mask.hides(std::string(SecretMask::kLongest, 'x')));
}
