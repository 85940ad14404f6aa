#include "analyzer/verbs.h"

#include <algorithm>
#include <cstddef>

namespace ftpscope {

const Verb kGreeting{"greeting", "RFC 959 5.4", Argument::none, Meaning::plain, {120, 220, 421}};
const Verb kEmptyLine{
    "", "RFC 959 5.3", Argument::none, Meaning::empty, {500, 501, 502, 503, 421, 530}};

namespace {

using enum Meaning;
constexpr auto kNone = Argument::none;
constexpr auto kOptional = Argument::optional;
constexpr auto kRequired = Argument::required;

// Sorted by name. The codes are those of RFC 959 5.4 (of the RFC named, for later commands), with
// the general 500, 501, 502, 503, 504, 530 and 421 where 5.4's text allows them and servers send
// them.
// clang-format off
constexpr auto kVerbs = std::to_array<Verb>({
    {"ABOR", "RFC 959 4.1.3", kNone,     abort,          {225, 226, 426, 500, 501, 502, 421}},
    {"ACCT", "RFC 959 4.1.1", kRequired, password,       {230, 202, 232, 530, 500, 501, 503, 421}},
    {"ADAT", "RFC 2228 3",    kRequired, security_data,  {235, 335, 503, 501, 535, 500, 421}},
    {"ALGS", "RFC 6384 11",   kOptional, plain,          {216, 202, 500, 501, 502, 504, 421, 530}},
    {"ALLO", "RFC 959 4.1.3", kRequired, plain,          {200, 202, 500, 501, 504, 421, 530, 552}},
    {"APPE", "RFC 959 4.1.3", kRequired, upload,         {125, 150, 226, 250, 425, 426, 451, 551, 552, 532, 450, 550, 452, 553, 500, 501, 502, 421, 530}},
    {"AUTH", "RFC 2228 3",    kRequired, authenticate,   {232, 234, 334, 504, 534, 431, 500, 501, 502, 503, 421, 530}},
    {"CCC",  "RFC 2228 3",    kNone,     plain,          {200, 533, 534, 500, 501, 503, 421}},
    {"CDUP", "RFC 959 4.1.1", kNone,     plain,          {200, 250, 500, 501, 502, 421, 530, 550}},
    {"CLNT", "seen in the field", kRequired, plain,      {200, 500, 501, 502, 421, 530}},
    {"CONF", "RFC 2228 3",    kRequired, security_data,  {533, 535, 500, 501, 503, 631, 632, 633, 421}},
    {"CWD",  "RFC 959 4.1.1", kRequired, plain,          {250, 200, 500, 501, 502, 421, 530, 550}},
    {"DELE", "RFC 959 4.1.3", kRequired, plain,          {250, 200, 450, 550, 500, 501, 502, 421, 530}},
    {"ENC",  "RFC 2228 3",    kRequired, security_data,  {533, 535, 500, 501, 503, 631, 632, 633, 421}},
    {"EPRT", "RFC 2428 2",    kRequired, port,           {200, 500, 501, 502, 504, 522, 421, 530, 425}},
    {"EPSV", "RFC 2428 3",    kOptional, passive,        {229, 200, 500, 501, 502, 504, 522, 421, 530, 425}},
    {"FEAT", "RFC 2389 3",    kNone,     features,       {211, 500, 501, 502, 421, 530}},
    {"HELP", "RFC 959 4.1.3", kOptional, plain,          {211, 214, 500, 501, 502, 504, 421, 530}},
    {"HOST", "RFC 7151 3",    kRequired, plain,          {220, 230, 331, 332, 500, 501, 502, 503, 504, 421, 530}},
    {"LANG", "RFC 2640 4.1",  kOptional, plain,          {200, 500, 501, 502, 504, 421, 530}},
    {"LIST", "RFC 959 4.1.3", kOptional, download,       {125, 150, 226, 250, 425, 426, 451, 450, 550, 500, 501, 502, 421, 530}},
    {"LPRT", "RFC 1639 2",    kRequired, port,           {200, 500, 501, 502, 521, 421, 530, 425}},
    {"LPSV", "RFC 1639 3",    kNone,     passive,        {228, 500, 501, 502, 521, 421, 530, 425}},
    {"MDTM", "RFC 3659 3",    kRequired, plain,          {213, 253, 550, 500, 501, 502, 421, 530}},
    {"MFMT", "draft-somers-ftp-mfxx 3", kRequired, plain, {213, 253, 550, 500, 501, 502, 504, 421, 530}},
    {"MIC",  "RFC 2228 3",    kRequired, security_data,  {533, 535, 500, 501, 503, 631, 632, 633, 421}},
    {"MKD",  "RFC 959 4.1.3", kRequired, plain,          {257, 250, 500, 501, 502, 421, 530, 550, 521}},
    {"MLSD", "RFC 3659 7",    kOptional, download,       {125, 150, 226, 250, 425, 426, 451, 450, 550, 500, 501, 502, 421, 530, 553}},
    {"MLST", "RFC 3659 7",    kOptional, plain,          {250, 450, 550, 500, 501, 502, 421, 530, 553}},
    {"MODE", "RFC 959 4.1.2", kRequired, transfer_mode,  {200, 500, 501, 504, 421, 530}},
    {"NLST", "RFC 959 4.1.3", kOptional, download,       {125, 150, 226, 250, 425, 426, 451, 450, 550, 500, 501, 502, 421, 530}},
    {"NOOP", "RFC 959 4.1.3", kOptional, plain,          {200, 500, 421}},
    {"OPEN", "seen in the field", kRequired, plain,      {220, 200, 331, 500, 501, 502, 503, 421, 530}},
    {"OPTS", "RFC 2389 4",    kRequired, plain,          {200, 202, 451, 501, 500, 502, 504, 421, 530}},
    {"PASS", "RFC 959 4.1.1", kOptional, password,       {230, 202, 232, 332, 530, 430, 500, 501, 503, 421}},
    {"PASV", "RFC 959 4.1.2", kNone,     passive,        {227, 500, 501, 502, 421, 530, 425}},
    {"PBSZ", "RFC 2228 3",    kRequired, plain,          {200, 503, 500, 501, 421, 530}},
    {"PORT", "RFC 959 4.1.2", kRequired, port,           {200, 500, 501, 421, 530, 425}},
    {"PRET", "drftpd",        kRequired, plain,          {200, 500, 501, 502, 421, 530, 550}},
    {"PROT", "RFC 2228 3",    kRequired, plain,          {200, 504, 536, 503, 534, 431, 500, 501, 421, 530}},
    {"PWD",  "RFC 959 4.1.3", kNone,     plain,          {257, 500, 501, 502, 421, 550, 530}},
    {"QUIT", "RFC 959 4.1.1", kNone,     quit,           {221, 500, 421}},
    {"REIN", "RFC 959 4.1.1", kNone,     reinitialize,   {120, 220, 421, 500, 502}},
    {"REST", "RFC 959 4.1.3, RFC 3659 5", kRequired, restart, {350, 500, 501, 502, 421, 530, 554}},
    {"RETR", "RFC 959 4.1.3", kRequired, download,       {125, 150, 110, 226, 250, 425, 426, 451, 450, 550, 554, 500, 501, 421, 530}},
    {"RMD",  "RFC 959 4.1.3", kRequired, plain,          {250, 200, 500, 501, 502, 421, 530, 550}},
    {"RNFR", "RFC 959 4.1.3", kRequired, plain,          {350, 450, 550, 500, 501, 502, 421, 530}},
    {"RNTO", "RFC 959 4.1.3", kRequired, plain,          {250, 532, 553, 550, 450, 500, 501, 502, 503, 421, 530}},
    {"SITE", "RFC 959 4.1.3", kRequired, site,           {200, 202, 211, 214, 250, 500, 501, 502, 504, 421, 530, 550}},
    {"SIZE", "RFC 3659 4",    kRequired, plain,          {213, 550, 500, 501, 502, 421, 530}},
    {"SMNT", "RFC 959 4.1.1", kRequired, plain,          {202, 250, 500, 501, 502, 421, 530, 550}},
    {"STAT", "RFC 959 4.1.3", kOptional, plain,          {211, 212, 213, 450, 550, 500, 501, 502, 421, 530}},
    {"STOR", "RFC 959 4.1.3", kRequired, upload,         {125, 150, 110, 226, 250, 425, 426, 451, 551, 552, 532, 450, 452, 553, 550, 500, 501, 421, 530}},
    {"STOU", "RFC 959 4.1.3, RFC 1123 4.1.2.9", kOptional, upload, {125, 150, 110, 226, 250, 425, 426, 451, 551, 552, 532, 450, 452, 553, 550, 500, 501, 421, 530}},
    {"STRU", "RFC 959 4.1.2", kRequired, plain,          {200, 500, 501, 504, 421, 530}},
    {"SYST", "RFC 959 4.1.3", kNone,     plain,          {215, 500, 501, 502, 421, 530}},
    {"TYPE", "RFC 959 4.1.2", kRequired, plain,          {200, 500, 501, 504, 421, 530}},
    {"USER", "RFC 959 4.1.1", kRequired, user,           {230, 232, 331, 332, 336, 530, 430, 500, 501, 421, 220}},
    {"XCUP", "RFC 775",       kNone,     plain,          {200, 250, 500, 501, 502, 421, 530, 550}},
    {"XCWD", "RFC 775",       kRequired, plain,          {250, 200, 500, 501, 502, 421, 530, 550}},
    {"XMKD", "RFC 775",       kRequired, plain,          {257, 250, 500, 501, 502, 421, 530, 550, 521}},
    {"XPWD", "RFC 775",       kNone,     plain,          {257, 500, 501, 502, 421, 550, 530}},
    {"XRMD", "RFC 775",       kRequired, plain,          {250, 200, 500, 501, 502, 421, 530, 550}},
});
// clang-format on

static_assert(std::ranges::is_sorted(kVerbs, {}, &Verb::name));

constexpr std::size_t kLongestName = 4;

// Names have at most four letters: as one number they compare in one step. The bit that is taken
// out is all that tells small letters from capitals; without it no other byte becomes a letter.
constexpr std::uint32_t packed(std::string_view name) {
  constexpr std::uint32_t kCapitals = 0xdfdfdfdf;
  std::uint32_t value = 0;
  for (const char c : name) value = value << 8 | static_cast<std::uint8_t>(c);
  return value & kCapitals;
}

constexpr auto kPacked = [] {
  std::array<std::uint32_t, kVerbs.size()> values{};
  std::ranges::transform(kVerbs, values.begin(), [](const Verb& v) { return packed(v.name); });
  return values;
}();

// Every record is asked for its verb, by several rules: so the table is found by a hash that has no
// collisions. The compiler looks for the factor.
constexpr unsigned kSlotBits = 9;
constexpr std::uint8_t kNoVerb = 0xff;
static_assert(kVerbs.size() < kNoVerb);

constexpr std::size_t slot_of(std::uint32_t name, std::uint32_t factor) {
  return name * factor >> (32U - kSlotBits);
}

struct VerbSlots {
  std::uint32_t factor = 0;
  std::array<std::uint8_t, 1U << kSlotBits> rows{};  // indices of kVerbs, or kNoVerb

  constexpr bool fill() {
    rows.fill(kNoVerb);
    for (std::size_t i = 0; i < kVerbs.size(); ++i) {
      auto& row = rows[slot_of(kPacked[i], factor)];
      if (row != kNoVerb) return false;
      row = static_cast<std::uint8_t>(i);
    }
    return true;
  }
};

constexpr VerbSlots kSlots = [] {
  VerbSlots slots;
  for (slots.factor = 0x9e3779b1; !slots.fill(); slots.factor += 2) {
  }
  return slots;
}();

}  // namespace

bool Verb::allows(int code) const {
  return std::ranges::any_of(replies, [code](auto legal) { return legal != 0 && legal == code; });
}

const Verb* find_verb(std::string_view name) {
  if (name.empty() || name.size() > kLongestName) return nullptr;
  const auto wanted = packed(name);
  const auto row = kSlots.rows[slot_of(wanted, kSlots.factor)];
  if (row == kNoVerb) return nullptr;
  const auto& verb = kVerbs[row];
  return kPacked[row] == wanted && verb.name.size() == name.size() ? &verb : nullptr;
}

std::span<const Verb> all_verbs() { return kVerbs; }

}  // namespace ftpscope
