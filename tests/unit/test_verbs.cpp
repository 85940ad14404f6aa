#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "analyzer/verbs.h"

using namespace ftpscope;

namespace {

using Names = std::vector<std::string_view>;

const Names kRfc959 = {"USER", "PASS", "ACCT", "CWD",  "CDUP", "SMNT", "QUIT", "REIN", "PORT",
                       "PASV", "TYPE", "STRU", "MODE", "RETR", "STOR", "STOU", "APPE", "ALLO",
                       "REST", "RNFR", "RNTO", "ABOR", "DELE", "RMD",  "MKD",  "PWD",  "LIST",
                       "NLST", "SITE", "SYST", "STAT", "HELP", "NOOP"};
const Names kRfc775 = {"XMKD", "XRMD", "XPWD", "XCUP", "XCWD"};
const Names kRfc2228 = {"AUTH", "ADAT", "PROT", "PBSZ", "CCC", "MIC", "CONF", "ENC"};
const Names kLater = {"FEAT", "OPTS",                          // RFC 2389
                      "EPRT", "EPSV",                          // RFC 2428
                      "LANG",                                  // RFC 2640
                      "MDTM", "SIZE", "MLST", "MLSD", "REST",  // RFC 3659
                      "LPRT", "LPSV",                          // RFC 1639
                      "HOST"};                                 // RFC 7151

// RFC 959 5.4, command by command.
struct Legal {
  std::string_view verb;
  std::vector<int> codes;
};
const std::vector<Legal> kLegal = {
    {"USER", {230, 530, 500, 501, 421, 331, 332}},
    {"PASS", {230, 202, 530, 500, 501, 503, 421, 332}},
    {"ACCT", {230, 202, 530, 500, 501, 503, 421}},
    {"CWD", {250, 500, 501, 502, 421, 530, 550}},
    {"CDUP", {200, 500, 501, 502, 421, 530, 550}},
    {"SMNT", {202, 250, 500, 501, 502, 421, 530, 550}},
    {"REIN", {120, 220, 421, 500, 502}},
    {"QUIT", {221, 500}},
    {"PORT", {200, 500, 501, 421, 530}},
    {"PASV", {227, 500, 501, 502, 421, 530}},
    {"MODE", {200, 500, 501, 504, 421, 530}},
    {"TYPE", {200, 500, 501, 504, 421, 530}},
    {"STRU", {200, 500, 501, 504, 421, 530}},
    {"ALLO", {200, 202, 500, 501, 504, 421, 530}},
    {"REST", {500, 501, 502, 421, 530, 350}},
    {"STOR",
     {125, 150, 110, 226, 250, 425, 426, 451, 551, 552, 532, 450, 452, 553, 500, 501, 421, 530}},
    {"STOU",
     {125, 150, 110, 226, 250, 425, 426, 451, 551, 552, 532, 450, 452, 553, 500, 501, 421, 530}},
    {"RETR", {125, 150, 110, 226, 250, 425, 426, 451, 450, 550, 500, 501, 421, 530}},
    {"LIST", {125, 150, 226, 250, 425, 426, 451, 450, 500, 501, 502, 421, 530}},
    {"NLST", {125, 150, 226, 250, 425, 426, 451, 450, 500, 501, 502, 421, 530}},
    {"APPE",
     {125, 150, 226, 250, 425, 426, 451, 551, 552, 532, 450, 550, 452, 553, 500, 501, 502, 421,
      530}},
    {"RNFR", {450, 550, 500, 501, 502, 421, 530, 350}},
    {"RNTO", {250, 532, 553, 500, 501, 502, 503, 421, 530}},
    {"DELE", {250, 450, 550, 500, 501, 502, 421, 530}},
    {"RMD", {250, 500, 501, 502, 421, 530, 550}},
    {"MKD", {257, 500, 501, 502, 421, 530, 550}},
    {"PWD", {257, 500, 501, 502, 421, 550}},
    {"ABOR", {225, 226, 500, 501, 502, 421}},
    {"SYST", {215, 500, 501, 502, 421}},
    {"STAT", {211, 212, 213, 450, 500, 501, 502, 421, 530}},
    {"HELP", {211, 214, 500, 501, 502, 421}},
    {"SITE", {200, 202, 500, 501, 530}},
    {"NOOP", {200, 500, 421}},
    // later RFCs
    {"AUTH", {334, 234, 502, 504, 534, 431, 500, 501, 421}},
    {"ADAT", {235, 335, 503, 501, 535}},
    {"PBSZ", {200, 503, 500, 501, 421, 530}},
    {"PROT", {200, 504, 536, 503, 534, 431, 500, 501, 421, 530}},
    {"CCC", {200, 500, 533, 534}},
    {"MIC", {535, 533, 500, 501}},
    {"FEAT", {211, 500, 502}},
    {"OPTS", {200, 451, 501}},
    {"EPRT", {200, 500, 501, 522}},
    {"EPSV", {229, 500, 501, 522}},
    {"LANG", {200, 500, 501, 502, 504, 421, 530}},
    {"MDTM", {213, 550, 500, 501}},
    {"SIZE", {213, 550, 500, 501}},
    {"MLST", {250, 450, 501, 550, 553}},
    {"MLSD", {150, 226, 250, 425, 426, 451, 501, 550}},
    {"LPRT", {200, 500, 501, 421, 530, 521}},
    {"LPSV", {228, 500, 501, 502, 421, 530, 521}},
    {"HOST", {220, 500, 501, 503, 504}},
};

std::string other_case(std::string_view name, unsigned mask) {
  std::string text(name);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (mask >> i & 1U) text[i] = static_cast<char>(text[i] | 0x20);
  }
  return text;
}

}  // namespace

TEST_CASE("every command of the RFCs is in the table") {
  CHECK(kRfc959.size() == 33);
  for (const auto& names : {kRfc959, kRfc775, kRfc2228, kLater}) {
    for (const auto name : names) {
      const auto* verb = find_verb(name);
      REQUIRE_MESSAGE(verb, name);
      CHECK(verb->name == name);
    }
  }
}

TEST_CASE("a verb is found in any case of letters, and only whole") {
  for (const auto& verb : all_verbs()) {
    for (unsigned mask = 0; mask < 16; ++mask)
      CHECK(find_verb(other_case(verb.name, mask)) == &verb);
    CHECK(find_verb(std::string(verb.name) + "X") != &verb);
    CHECK(find_verb(std::string(verb.name) + " ") != &verb);
    CHECK(find_verb(std::string(verb.name.substr(0, verb.name.size() - 1))) != &verb);
    CHECK(find_verb(" " + std::string(verb.name)) != &verb);
    CHECK(find_verb(std::string(verb.name) + std::string(1, '\0')) != &verb);
  }
  CHECK(find_verb("") == nullptr);
  CHECK(find_verb("XYZZY") == nullptr);
}

TEST_CASE("rows are sane") {
  std::set<std::string_view> names;
  for (const auto& verb : all_verbs()) {
    INFO(verb.name);
    CHECK(names.insert(verb.name).second);
    CHECK(verb.name.size() >= 3);
    CHECK(verb.name.size() <= 4);
    CHECK(std::ranges::all_of(verb.name, [](char c) { return c >= 'A' && c <= 'Z'; }));
    CHECK_FALSE(verb.source.empty());
    const auto end = std::ranges::find(verb.replies, 0);
    std::set<int> codes;
    for (auto code = verb.replies.begin(); code != end; ++code) {
      CHECK(*code >= 100);
      CHECK(*code < 700);
      CHECK(codes.insert(*code).second);
      CHECK(verb.allows(*code));
    }
    CHECK_FALSE(codes.empty());
    CHECK_FALSE(verb.allows(0));
    // A transfer may begin and complete.
    if (is_transfer(verb.meaning))
      CHECK((verb.allows(150) && verb.allows(226) && verb.allows(425)));
  }
}

TEST_CASE("every code that an RFC lists for a command is legal for it") {
  for (const auto& [name, codes] : kLegal) {
    const auto* verb = find_verb(name);
    REQUIRE(verb);
    for (const auto code : codes) CHECK_MESSAGE(verb->allows(code), name << " " << code);
  }
}

TEST_CASE("codes of other commands are not") {
  CHECK_FALSE(find_verb("NOOP")->allows(227));
  CHECK_FALSE(find_verb("PWD")->allows(200));
  CHECK_FALSE(find_verb("PASV")->allows(229));
  CHECK_FALSE(find_verb("EPSV")->allows(227));
  CHECK_FALSE(find_verb("STOR")->allows(200));
  CHECK(kGreeting.allows(220));
  CHECK(kGreeting.allows(120));
  CHECK(kGreeting.allows(421));
  CHECK_FALSE(kGreeting.allows(331));
}

TEST_CASE("meanings") {
  for (const auto name : {"PORT", "EPRT", "LPRT"}) CHECK(find_verb(name)->meaning == Meaning::port);
  for (const auto name : {"PASV", "EPSV", "LPSV"})
    CHECK(find_verb(name)->meaning == Meaning::passive);
  for (const auto name : {"RETR", "LIST", "NLST", "MLSD"}) {
    CHECK(find_verb(name)->meaning == Meaning::download);
  }
  for (const auto name : {"STOR", "STOU", "APPE"})
    CHECK(find_verb(name)->meaning == Meaning::upload);
  CHECK(find_verb("MLST")->meaning == Meaning::plain);  // on the control connection (RFC 3659 7)
}
