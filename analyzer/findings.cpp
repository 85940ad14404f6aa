#include "analyzer/findings.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace ftpscope {

namespace {

using enum FindingId;
using enum Severity;
constexpr auto kClient = Blame::client;
constexpr auto kServer = Blame::server;
constexpr auto kNetwork = Blame::network;
constexpr auto kProxy = Blame::proxy;

// clang-format off
constexpr auto kRows = std::to_array<FindingRow>({
    {reply_unsolicited,     "FTP-REPLY-UNSOLICITED",      warning, kServer,  "RFC 959 5.4",     "a reply that no command asked for"},
    {reply_second_final,    "FTP-REPLY-SECOND-FINAL",     warning, kServer,  "RFC 959 5.4",     "a second final reply to one command"},
    {reply_without_code,    "FTP-REPLY-WITHOUT-CODE",     warning, kServer,  "RFC 959 4.2",     "a line outside any reply that has no reply code"},
    {reply_code_range,      "FTP-REPLY-CODE-RANGE",       warning, kServer,  "RFC 959 4.2.1",   "a reply code whose first digit is not 1 to 5"},
    {reply_no_space,        "FTP-REPLY-NO-SPACE",         warning, kServer,  "RFC 959 4.2",     "a reply code with neither a space nor a hyphen behind it"},
    {reply_bare_code_end,   "FTP-REPLY-BARE-CODE-END",    note,    kServer,  "RFC 959 4.2",     "a multi-line reply that ends with the code alone"},
    {reply_other_code_end,  "FTP-REPLY-OTHER-CODE-END",   warning, kServer,  "RFC 959 4.2",     "a multi-line reply closed by another code than the one that opened it"},
    {reply_unfinished,      "FTP-REPLY-UNFINISHED",       warning, kServer,  "RFC 959 4.2",     "a multi-line reply that is never closed"},
    {reply_line_like_final, "FTP-REPLY-LINE-LIKE-FINAL",  note,    kServer,  "RFC 959 4.2",     "a text line inside a multi-line reply that some clients take for its end"},
    {reply_illegal_code,    "FTP-REPLY-ILLEGAL-CODE",     note,    kServer,  "RFC 959 5.4",     "a reply code that this command may not get"},
    {reply_too_long,        "FTP-REPLY-TOO-LONG",         error,   kServer,  "--max-reply",     "a reply longer than the limit"},
    {reply_no_preliminary,  "FTP-REPLY-NO-PRELIMINARY",   warning, kServer,  "RFC 959 5.4",     "a transfer completed without a 1yz reply before it"},
    {reply_before_data_end, "FTP-REPLY-BEFORE-DATA-END",  warning, kServer,  "RFC 959 3.4, 5.4","the server reported completion before the data ended"},
    {reply_missing,         "FTP-REPLY-MISSING",          warning, kServer,  "RFC 959 5.4",     "a command that got no reply"},
    {greeting_not_ftp,      "FTP-GREETING-NOT-FTP",       error,   kServer,  "RFC 959 5.4",     "the server's greeting is not FTP"},
    {line_lf_only,          "FTP-LINE-LF-ONLY",           warning, kNetwork, "RFC 959 4.2, 5.3","a line that ends with LF alone"},
    {line_no_ending,        "FTP-LINE-NO-ENDING",         warning, kNetwork, "RFC 959 4.2, 5.3","the connection ended in the middle of a line"},
    {line_bare_cr,          "FTP-LINE-BARE-CR",           warning, kNetwork, "RFC 854 2.2",     "a carriage return inside a line"},
    {line_nul,              "FTP-LINE-NUL",               warning, kNetwork, "RFC 959 5.3",     "a NUL byte inside a line"},
    {line_telnet,           "FTP-LINE-TELNET",            note,    kNetwork, "RFC 959 2.3",     "Telnet commands inside a line"},
    {line_not_utf8,         "FTP-LINE-NOT-UTF8",          note,    kNetwork, "RFC 2640 2.2",    "bytes that are not UTF-8"},
    {line_too_long,         "FTP-LINE-TOO-LONG",          error,   kNetwork, "--max-line",      "a line longer than the limit"},
    {command_unknown,       "FTP-COMMAND-UNKNOWN",        note,    kClient,  "RFC 959 5.3",     "a verb that no RFC defines"},
    {command_argument,      "FTP-COMMAND-ARGUMENT",       note,    kClient,  "RFC 959 5.3",     "an argument that is missing, or one where none is allowed"},
    {command_hides_another, "FTP-COMMAND-HIDES-ANOTHER",  error,   kClient,  "RFC 854 2.2",     "a line in which some servers see a second command"},
    {command_ambiguous,     "FTP-COMMAND-AMBIGUOUS",      warning, kClient,  "RFC 959 5.3",     "a line that servers read differently"},
    {command_pipelined,     "FTP-COMMAND-PIPELINED",      note,    kClient,  "RFC 959 5.4",     "a command sent before the reply to the one before it"},
    {not_ftp,               "FTP-NOT-FTP",                error,   kClient,  "RFC 959 5.3",     "the client does not speak FTP"},
    {too_many_unknown,      "FTP-TOO-MANY-UNKNOWN",       error,   kClient,  "--max-unknown-before-login", "too many unknown commands before login"},
    {port_malformed,        "FTP-PORT-MALFORMED",         error,   kClient,  "RFC 959 4.1.2, RFC 2428 2", "a PORT, EPRT or LPRT that cannot be read"},
    {port_foreign,          "FTP-PORT-FOREIGN-ADDRESS",   error,   kClient,  "RFC 2577 3",      "a PORT, EPRT or LPRT that names another host (bounce attack, or NAT)"},
    {port_private,          "FTP-PORT-PRIVATE-ADDRESS",   warning, kClient,  "RFC 1918",        "the client is behind a NAT that did not translate its PORT"},
    {port_reserved,         "FTP-PORT-RESERVED-PORT",     error,   kClient,  "RFC 2577 3",      "a PORT, EPRT or LPRT to a port below 1024"},
    {port_after_epsv_all,   "FTP-PORT-AFTER-EPSV-ALL",    error,   kClient,  "RFC 2428 4",      "another data command than EPSV after EPSV ALL"},
    {pasv_malformed,        "FTP-227-MALFORMED",          error,   kServer,  "RFC 959 4.1.2, RFC 2428 3", "a 227, 228 or 229 without a usable address"},
    {pasv_foreign,          "FTP-227-FOREIGN-ADDRESS",    error,   kServer,  "RFC 2577 3",      "a 227, 228 or 229 that names another host than the server"},
    {pasv_private,          "FTP-227-PRIVATE-ADDRESS",    warning, kServer,  "RFC 1918",        "a 227 or 228 with a private address: the server is behind a NAT and does not know it"},
    {pasv_reserved,         "FTP-227-RESERVED-PORT",      error,   kServer,  "RFC 2577 3",      "a 227, 228 or 229 with a port below 1024"},
    {pasv_wrong_reply,      "FTP-227-WRONG-REPLY",        warning, kServer,  "RFC 2428 3",      "a passive command answered with another command's reply"},
    {address_unasked,       "FTP-227-UNASKED",            warning, kServer,  "RFC 959 4.1.2",   "a 227, 228 or 229 that no passive command asked for"},
    {address_family,        "FTP-ADDRESS-FAMILY",         error,   kProxy,   "RFC 2428 2",      "the other side's address does not fit into this command or reply"},
    {data_stranger,         "FTP-DATA-STRANGER",          warning, kNetwork, "RFC 2577 8",      "another host than the expected one connected for data"},
    {data_never_connected,  "FTP-DATA-NEVER-CONNECTED",   warning, kNetwork, "RFC 959 3.2",     "nobody connected for data"},
    {data_connect_failed,   "FTP-DATA-CONNECT-FAILED",    error,   kNetwork, "RFC 959 3.2",     "the data connection could not be made"},
    {data_ports_exhausted,  "FTP-DATA-NO-PORT",           error,   kProxy,   "--data-ports",    "no port or descriptor is free for a data connection"},
    {data_reset,            "FTP-DATA-RESET",             warning, kNetwork, "RFC 959 3.4",     "a data connection was reset"},
    {data_stalled,          "FTP-DATA-STALLED",           error,   kNetwork, "--stall-timeout", "a data connection moved no byte for too long"},
    {tls_opaque,            "FTP-TLS-OPAQUE",             note,    kProxy,   "RFC 4217 4",      "from here the session is encrypted: data connections go to the server's own addresses, not through the proxy"},
    {tls_refused,           "FTP-TLS-REFUSED",            note,    kProxy,   "--tls refuse",    "the proxy refused TLS"},
    {tls_plaintext_behind_auth, "FTP-TLS-PLAINTEXT-BEHIND-AUTH", error, kNetwork, "RFC 4217 4, CVE-2011-0411", "bytes that are not TLS follow AUTH or its 234 at once"},
    {timeout_greeting,      "FTP-TIMEOUT-GREETING",       error,   kServer,  "--greeting-timeout", "the server sent no greeting in time"},
    {timeout_login,         "FTP-TIMEOUT-LOGIN",          error,   kClient,  "--login-timeout", "no login in time"},
    {timeout_line,          "FTP-TIMEOUT-LINE",           error,   kNetwork, "--line-timeout",  "a line was not finished in time"},
    {timeout_idle,          "FTP-TIMEOUT-IDLE",           note,    kClient,  "--idle-timeout",  "the session was idle for too long"},
    {control_reset,         "FTP-CONTROL-RESET",          warning, kNetwork, "RFC 959 2.3",     "the control connection was reset"},
    {quit_with_transfer,    "FTP-QUIT-WITH-TRANSFER",     note,    kClient,  "RFC 959 4.1.1",   "the control connection ended while data was moving"},
});
// clang-format on

static_assert(kRows.size() == static_cast<std::size_t>(count_));
static_assert(
    [] {
      for (std::size_t i = 0; i < kRows.size(); ++i) {
        if (kRows[i].id != static_cast<FindingId>(i)) return false;
      }
      return true;
    }(),
    "the rows stand in the order of FindingId");

}  // namespace

const FindingRow& row_of(FindingId id) { return kRows[static_cast<std::size_t>(id)]; }

std::span<const FindingRow> all_findings() { return kRows; }

std::string_view name_of(Severity severity) {
  switch (severity) {
    case note: return "note";
    case warning: return "warning";
    case error: return "error";
  }
  return "";
}

std::string_view name_of(Blame blame) {
  switch (blame) {
    case Blame::client: return "client";
    case Blame::server: return "server";
    case Blame::network: return "network";
    case Blame::proxy: return "proxy";
  }
  return "";
}

}  // namespace ftpscope
