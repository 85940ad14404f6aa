// Two sessions side by side: which belongs to which, what counts as the same, what is told.
#include <doctest/doctest.h>

#include <array>
#include <map>
#include <random>

#include "analyzer/alignment.h"
#include "analyzer/listing_facts.h"
#include "analyzer/reply_mask.h"
#include "analyzer/transaction_comparison.h"

using namespace ftpscope;
using namespace std::chrono_literals;

namespace {

using Numbers = std::vector<std::size_t>;

Numbers numbers(std::string_view text) { return {text.begin(), text.end()}; }

// "a=b": a pair; "a<", ">b": alone.
std::string aligned(std::string_view a, std::string_view b) {
  std::string text;
  for (const auto& pair : align(numbers(a), numbers(b))) {
    if (pair.a) text += a[*pair.a];
    text += pair.a && pair.b ? '=' : pair.a ? '<' : '>';
    if (pair.b) text += b[*pair.b];
    text += ' ';
  }
  return text;
}

// Every element once and in order, and only equal ones together; returns how many are alone.
std::size_t check_alignment(const Numbers& a, const Numbers& b) {
  std::size_t in_a = 0;
  std::size_t in_b = 0;
  std::size_t alone = 0;
  for (const auto& pair : align(a, b)) {
    if (pair.a) CHECK(*pair.a == in_a++);
    if (pair.b) CHECK(*pair.b == in_b++);
    if (pair.a && pair.b) {
      CHECK(a[*pair.a] == b[*pair.b]);
    } else {
      ++alone;
    }
  }
  CHECK(in_a == a.size());
  CHECK(in_b == b.size());
  return alone;
}

// The length of the longest common subsequence, the slow way.
std::size_t common(const Numbers& a, const Numbers& b) {
  std::vector<Numbers> best(a.size() + 1, Numbers(b.size() + 1));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) {
      best[i + 1][j + 1] = a[i] == b[j] ? best[i][j] + 1 : std::max(best[i][j + 1], best[i + 1][j]);
    }
  }
  return best[a.size()][b.size()];
}

Transaction made(std::string verb, std::optional<std::string> argument,
                 const std::vector<std::string>& replies) {
  Transaction transaction;
  transaction.verb = std::move(verb);
  transaction.argument = std::move(argument);
  for (const auto& text : replies) {
    TransactionReply reply;
    reply.code = std::stoi(text.substr(0, 3));
    reply.raw = text + "\r\n";
    transaction.replies.push_back(std::move(reply));
  }
  return transaction;
}

Transaction transfer(std::string verb, std::uint64_t bytes, std::string sha256,
                     std::string payload = "p") {
  auto transaction = made(std::move(verb), "f", {"150 Here", "226 Done"});
  TransactionData data;
  data.bytes = bytes;
  data.sha256 = std::move(sha256);
  data.payload = std::move(payload);
  transaction.data = data;
  return transaction;
}

std::string told(const std::vector<Difference>& differences) {
  std::string text;
  for (const auto& difference : differences) {
    text.append(name_of(difference.aspect)).append(": ");
    text.append(difference.a).append(" | ").append(difference.b).append("; ");
  }
  return text;
}

std::string told(const Transaction& a, const Transaction& b,
                 const ComparisonOptions& options = {}) {
  return told(differences_of(a, b, options));
}

SessionTransactions session(std::vector<Transaction> transactions) {
  SessionTransactions made_up;
  made_up.transactions = std::move(transactions);
  return made_up;
}

PayloadReader files(const std::map<std::string, std::string>& contents) {
  return [contents](const std::string& name) -> std::optional<std::string> {
    const auto found = contents.find(name);
    return found == contents.end() ? std::nullopt : std::optional(found->second);
  };
}

}  // namespace

TEST_CASE("alignment: small ones") {
  CHECK(aligned("", "").empty());
  CHECK(aligned("abc", "abc") == "a=a b=b c=c ");
  CHECK(aligned("abc", "") == "a< b< c< ");
  CHECK(aligned("", "ab") == ">a >b ");
  CHECK(aligned("abcd", "acd") == "a=a b< c=c d=d ");
  CHECK(aligned("acd", "abcd") == "a=a >b c=c d=d ");
}

TEST_CASE("alignment: as short as it can be, whatever the sequences") {
  std::mt19937 random(4);
  for (int round = 0; round < 300; ++round) {
    Numbers a(random() % 30);
    Numbers b(random() % 30);
    for (auto* all : {&a, &b}) {
      for (auto& number : *all) number = random() % 4;
    }
    CHECK(check_alignment(a, b) == a.size() + b.size() - 2 * common(a, b));
  }
}

TEST_CASE("alignment: beyond its limit it is still one") {
  Numbers a(20 * kEditsMax);
  Numbers b(20 * kEditsMax);
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = i;
    b[i] = i % 2 == 0 ? i : a.size() + i;  // every second one differs
  }
  CHECK(check_alignment(a, b) == a.size());
  for (auto& number : b) number += 2 * a.size();  // nothing is the same
  CHECK(check_alignment(a, b) == a.size() + b.size());
}

TEST_CASE("the masks of replies") {
  struct Row {
    std::string_view verb, line, masked;
  };
  static constexpr Row kRows[] = {
      {"PASV", "227 Entering Passive Mode (192,0,2,2,156,64).",
       "227 Entering Passive Mode (<address>)."},
      {"EPSV", "229 Entering Extended Passive Mode (|||50010|)",
       "229 Entering Extended Passive Mode (<address>)"},
      {"MDTM", "213 20261121151719", "213 <time>"},
      {"MDTM", "213 20261121151719.125", "213 <time>"},
      {"SIZE", "213 20261121151719", "213 20261121151719"},
      {"SIZE", "213 1048576", "213 1048576"},
      {"RETR", "150 Opening BINARY mode data connection for f1 (1048576 bytes).",
       "150 Opening BINARY mode data connection for f1 (<number>)."},
      {"RETR", "226 0.125 seconds (measured here), 35.41 Mbytes per second",
       "226 <number> (measured here), <number>"},
      {"RETR", "226-41.2 ms, 1,204 KB/s", "226-<number>, <number>"},
      {"QUIT", "221-Goodbye. You uploaded 0 and downloaded 1024 kbytes.",
       "221-Goodbye. You uploaded <number> and downloaded <number>."},
      {"greeting", "220-Local time is now 15:17. Server port: 21.",
       "220-Local time is now <time>. Server port: <number>."},
      {"greeting", "220-You are user number 2 of 50 allowed.",
       "220-You are user number <number> of <number> allowed."},
      {"greeting", "220 ProFTPD Server (Debian) [::ffff:192.0.2.2]",
       "220 ProFTPD Server (Debian) [<address>]"},
      {"greeting", "220 host FTP server (Version 6.4) ready, Sat Nov 21 15:17:19 2026",
       "220 host FTP server (Version <number>) ready, <time> <time> <time> <time>"},
      {"PWD", "257 \"/backup/2026-11-21\" is the current directory",
       "257 \"/backup/2026-11-21\" is the current directory"},
      {"CWD", "250 CWD to 10.0.0.1 done", "250 CWD to <address> done"},
      {"NOOP", "200 Zzz... pid 4711", "200 Zzz... pid <number>"},
      {"TYPE", "200 TYPE is now 8-bit binary", "200 TYPE is now 8-bit binary"},
      {"STOU", "150 FILE: pureftpd.6567.a3", "150 FILE: <name>"},
      {"STAT", "-rw-r--r--   1 1000 1000  192 Nov 21 15:17 readme.txt", "file 192 readme.txt"},
      {"MLST", " modify=20261121151719;size=192;type=file;unique=801g3; /readme.txt",
       "size=192;type=file; /readme.txt"},
      {"FEAT", " REST STREAM", " REST STREAM"},
      {"x", "", ""},
  };
  for (const auto& row : kRows) {
    const bool coded = row.line.starts_with('1') || row.line.starts_with('2');
    const auto code = coded ? std::optional(std::stoi(std::string(row.line))) : std::nullopt;
    CHECK(masked_line(row.verb, code, row.line) == row.masked);
  }
}

TEST_CASE("a long line is masked to a limit, and all of it is kept") {
  std::string line = "200 at 15:17";
  line.resize(kMaskedMax, 'a');
  line += " at 15:17";
  const auto masked = masked_line("NOOP", 200, line);
  CHECK(masked.starts_with("200 at <time>aaa"));
  CHECK(masked.ends_with("aaa at 15:17"));
  // As slow as it gets: an address may begin at every number.
  std::string dots = "200 ";
  for (int i = 0; i < 1'000'000; ++i) dots += "1.";
  CHECK(masked_line("NOOP", 200, dots).size() < dots.size() + kMaskedMax);
}

TEST_CASE("the facts of listings") {
  struct Row {
    std::string_view line, fact;
  };
  static constexpr Row kRows[] = {
      {"-rw-r--r--    1 1000     1000          192 Nov 21 15:17 read me.txt",
       "file 192 read me.txt"},
      {"-rw-r--r--   1 ftp      ftp           192 Feb  3  2024  x", "file 192  x"},
      {"drwxr-xr-x    2 0        0            4096 Nov 21 15:17 docs", "dir docs"},
      {"lrwxrwxrwx    1 0        0               4 Nov 21 15:17 l -> docs", "link l -> docs"},
      {"-rw-r--r-- 1 a b 7 2026-11-21 15:17 iso", "file 7 iso"},
      {"-rw-r--r-- 1 user 123 May 1 Nov 21 15:17 odd", "file 1 odd"},
      {"11-21-26  03:17PM       <DIR>          docs", "dir docs"},
      {"11-21-26  03:17PM                  192 read me.txt", "file 192 read me.txt"},
      {"modify=20261121151719;perm=adfr;size=192;type=file;unique=801; readme.txt",
       "perm=adfr;size=192;type=file; readme.txt"},
      {"Type=dir;Size=4096;Modify=20261121151719; docs", "type=dir; docs"},
      {"total 12", ""},
      {"readme.txt", "readme.txt"},
      {" begins with a blank", " begins with a blank"},
      {"-rw-r--r--", "-rw-r--r--"},
      {"-rw-r--r-- 1 a b 7 Nov 21 15:17", "-rw-r--r-- 1 a b 7 Nov 21 15:17"},
      {"", ""},
  };
  for (const auto& row : kRows) CHECK(listing_fact(row.line) == row.fact);
  CHECK(listing_facts("total 1\r\nb\r\na\n\nc") == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("transactions: codes and texts") {
  const auto type = made("TYPE", "I", {"200 Switching to Binary mode."});
  CHECK(told(type, type).empty());
  const auto other = made("TYPE", "I", {"200 Type set to I"});
  CHECK(told(type, other) == "text: 200 Switching to Binary mode. | 200 Type set to I; ");
  CHECK(told(type, other, {.level = CompareLevel::code}).empty());
  const auto refused = made("TYPE", "I", {"504 No"});
  CHECK(told(type, refused, {.level = CompareLevel::code}) == "code: 200 | 504; ");
  CHECK(told(type, made("TYPE", "I", {}), {.level = CompareLevel::code}) ==
        "code: 200 | no reply; ");
  // A line in the middle of many.
  auto a = made("FEAT", {}, {"211-Features:\r\n MLSD\r\n SIZE\r\n211 End"});
  const auto b = made("FEAT", {}, {"211-Features:\r\n SIZE\r\n TVFS\r\n211 End"});
  CHECK(told(a, b) == "text:  MLSD |  TVFS; ");
  // 125 and 150
  a = made("RETR", "f", {"125 Already open", "226 Done"});
  const auto about_to = made("RETR", "f", {"150 About to open", "226 Done"});
  CHECK(told(a, about_to).empty());
  CHECK(
      told(a, about_to, {.level = CompareLevel::exact}) ==
      "code: 125 226 | 150 226; text: 125 Already open\\x0d\\x0a | 150 About to open\\x0d\\x0a; ");
  // Times are masked, but not where every byte counts.
  const auto early = made("MDTM", "f", {"213 20261121151719"});
  const auto late = made("MDTM", "f", {"213 20261121151720"});
  CHECK(told(early, late).empty());
  CHECK(!told(early, late, {.level = CompareLevel::exact}).empty());
}

TEST_CASE("transactions: how data connections are set up") {
  const auto pasv = made("PASV", {}, {"227 Entering Passive Mode (192,0,2,2,156,64)."});
  const auto again = made("PASV", {}, {"227 Entering Passive Mode (192,0,2,2,200,1)."});
  const auto epsv = made("EPSV", {}, {"229 Entering Extended Passive Mode (|||50010|)"});
  CHECK(told(pasv, again).empty());
  CHECK(told(pasv, epsv) == "command: PASV | EPSV; ");
  const auto refused = made("EPSV", {}, {"500 What?"});
  CHECK(told(pasv, refused).find("code: 227 | 500; ") != std::string::npos);
}

TEST_CASE("transactions: hidden arguments are any") {
  auto hidden = made("PASS", "<hidden>", {"230 In"});
  hidden.hidden = true;
  CHECK(told(hidden, made("PASS", "x", {"230 In"})).empty());
  CHECK(told(hidden, made("PASS", "x", {"230 In"}), {.level = CompareLevel::exact}).empty());
}

TEST_CASE("transactions: data") {
  const auto one = transfer("RETR", 10, "aa", "one");
  CHECK(told(one, transfer("RETR", 10, "aa", "two")).empty());
  CHECK(told(one, transfer("RETR", 11, "aa")) == "data: 10 bytes | 11 bytes; ");
  CHECK(told(one, transfer("RETR", 10, "bb")) ==
        "data: 10 bytes, SHA-256 aa | 10 bytes, SHA-256 bb; ");
  ComparisonOptions options;
  options.payload_of_a = files({{"one", "0123456789"}});
  options.payload_of_b = files({{"two", "01234x6789"}});
  CHECK(told(one, transfer("RETR", 10, "bb", "two"), options) ==
        "data: 10 bytes, differs from byte 5, SHA-256 aa | 10 bytes, differs from byte 5, "
        "SHA-256 bb; ");
  CHECK(told(transfer("RETR", 10, "", "one"), transfer("RETR", 10, "bb", "two"), options) ==
        "data: 10 bytes, differs from byte 5 | 10 bytes, differs from byte 5, SHA-256 bb; ");
  CHECK(told(one, transfer("RETR", 10, "", "unknown"), options).empty());  // nobody can know
  auto cut = transfer("RETR", 10, "aa");
  cut.data->how = ChannelEnd::rst;
  CHECK(told(one, cut) == "data: 10 bytes | 10 bytes, rst; ");
  cut.data.reset();
  CHECK(told(one, cut) == "data: 10 bytes | no data connection; ");
  auto gap = transfer("RETR", 10, "bb");
  gap.data->missing = 3;  // the hash is of something else
  CHECK(told(one, gap).empty());
}

TEST_CASE("transactions: the data connection of a refused transfer is of no interest") {
  auto a = made("RETR", "f", {"550 No"});
  auto b = a;
  a.data = TransactionData();
  b.data = a.data;
  b.data->how = ChannelEnd::session_ended;
  CHECK(told(a, b).empty());
  b.data->bytes = 1;
  CHECK(told(a, b) == "data: 0 bytes | 1 bytes, session-ended; ");
  b.data.reset();
  CHECK(told(a, b).empty());
}

TEST_CASE("transactions: listings by their facts") {
  ComparisonOptions options;
  options.payload_of_a = files({{"a",
                                 "-rw-r--r-- 1 0 0 7 Nov 21 15:17 x\r\ndrwxr-xr-x 2 0 0 4096 Nov "
                                 "21 15:17 d\r\n"}});
  options.payload_of_b = files({{"same",
                                 "total 4\r\ndrwxr-xr-x    9 ftp ftp 60 Nov 22 01:00 d\r\n"
                                 "-rw-r--r--    1 ftp ftp  7 Nov 22 01:00 x\r\n"},
                                {"grown", "-rw-r--r-- 1 0 0 8 Nov 21 15:17 x\r\n"}});
  const auto a = transfer("LIST", 70, "1", "a");
  CHECK(told(a, transfer("LIST", 120, "2", "same"), options).empty());
  CHECK(told(a, transfer("LIST", 35, "3", "grown"), options) ==
        "data: dir d\nfile 7 x | file 8 x; ");
  CHECK(told(a, transfer("LIST", 0, "", ""), options) == "data: dir d\nfile 7 x | ; ");
  // Without its bytes a listing is only empty or not.
  CHECK(told(a, transfer("LIST", 120, "", "unknown"), options).empty());
  CHECK(told(a, transfer("LIST", 0, "", "")) == "data: 70 bytes | 0 bytes; ");
  options.level = CompareLevel::exact;
  CHECK(told(a, transfer("LIST", 120, "2", "same"), options) == "data: 70 bytes | 120 bytes; ");
}

TEST_CASE("transactions: times") {
  const auto after = [](Duration latency) {
    auto transaction = made("CWD", "/", {"250 Done"});
    transaction.replies[0].time = transaction.sent + latency;
    return transaction;
  };
  CHECK(told(after(100ms), after(900ms)).empty());
  const ComparisonOptions twice{.slower_than = 2.0};
  CHECK(told(after(100ms), after(900ms), twice) == "time: 100 ms | 900 ms; ");
  CHECK(told(after(100ms), after(199ms), twice).empty());
  CHECK(told(after(900ms), after(100ms), twice).empty());
  CHECK(told(after(100us), after(10ms), twice).empty());  // chance
}

TEST_CASE("transactions: findings, new and gone") {
  auto a = made("LIST", {}, {"150 x"});
  auto b = a;
  a.findings = {{FindingId::reply_second_final, "x"}, {FindingId::data_reset, ""}};
  b.findings = {{FindingId::reply_second_final, "y"}, {FindingId::reply_second_final, "z"}};
  const auto text = told(a, b);
  CHECK(text.starts_with("finding: "));
  CHECK(text.find("FTP-DATA-RESET") < text.find('|'));
  CHECK(text.find("(z)") != std::string::npos);
  CHECK(text.find("(y)") == std::string::npos);
  // Notes are for those who want every byte.
  a.findings.clear();
  b.findings = {{FindingId::tls_refused, ""}};
  CHECK(told(a, b).empty());
  CHECK(told(a, b, {.level = CompareLevel::exact}).find("FTP-TLS-REFUSED") != std::string::npos);
}

TEST_CASE("sessions: aligned by verb and argument, then by verb") {
  const auto ok = [](std::string verb, std::optional<std::string> argument) {
    return made(std::move(verb), std::move(argument), {"200 x"});
  };
  const auto a = session({ok("USER", "u"), ok("PASV", {}), ok("RETR", "one"), ok("NOOP", {}),
                          ok("SIZE", "x"), ok("QUIT", {})});
  const auto b = session({ok("USER", "u"), ok("EPSV", {}), ok("RETR", "two"), ok("SIZE", "x"),
                          ok("MDTM", "x"), ok("QUIT", {})});
  const auto comparison = compare_sessions(a, b, {});
  std::string text;
  for (const auto& row : comparison.rows) {
    text.append(row.a ? row.a->verb : "-").append("/").append(row.b ? row.b->verb : "-");
    text.append(row.differences.empty() ? " " : "! ");
  }
  CHECK(text == "USER/USER PASV/EPSV! RETR/RETR! NOOP/-! SIZE/SIZE -/MDTM! QUIT/QUIT ");
  CHECK(told(comparison.rows[2].differences) == "command: RETR one | RETR two; ");
  CHECK(told(comparison.rows[3].differences) == "command: NOOP | ; ");
  CHECK(!comparison.same());
  CHECK(compare_sessions(a, a, {}).same());
}

TEST_CASE("sessions: what differs about them as a whole") {
  auto a = session({});
  const auto b = session({});
  a.opaque = true;
  const auto comparison = compare_sessions(a, b, {});
  CHECK(told(comparison.differences) == "session: becomes TLS | stays in clear; ");
  CHECK(!comparison.same());
}
