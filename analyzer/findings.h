// The catalogue of what can be odd in a session: one row a finding, in the order of FindingId.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ftpscope {

enum class Severity : std::uint8_t { note, warning, error };
enum class Blame : std::uint8_t { client, server, network, proxy };

enum class FindingId : std::uint8_t {
  // replies
  reply_unsolicited,
  reply_second_final,
  reply_without_code,
  reply_code_range,
  reply_no_space,
  reply_bare_code_end,
  reply_other_code_end,
  reply_unfinished,
  reply_line_like_final,
  reply_illegal_code,
  reply_too_long,
  reply_no_preliminary,
  reply_before_data_end,
  reply_missing,
  greeting_not_ftp,
  // lines, either side
  line_lf_only,
  line_no_ending,
  line_bare_cr,
  line_nul,
  line_telnet,
  line_not_utf8,
  line_too_long,
  // commands
  command_unknown,
  command_argument,
  command_hides_another,
  command_ambiguous,
  command_pipelined,
  not_ftp,
  too_many_unknown,
  // addresses
  port_malformed,
  port_foreign,
  port_private,
  port_reserved,
  port_after_epsv_all,
  pasv_malformed,
  pasv_foreign,
  pasv_private,
  pasv_reserved,
  pasv_wrong_reply,
  address_unasked,
  address_family,
  // data connections
  data_stranger,
  data_never_connected,
  data_connect_failed,
  data_ports_exhausted,
  data_reset,
  data_stalled,
  // TLS
  tls_opaque,
  tls_refused,
  tls_plaintext_behind_auth,
  // life of the session
  timeout_greeting,
  timeout_login,
  timeout_line,
  timeout_idle,
  control_reset,
  quit_with_transfer,
  count_,
};

struct FindingRow {
  FindingId id;
  std::string_view name;  // stable: scripts select by it
  Severity severity;
  Blame blame;
  std::string_view source;
  std::string_view title;
};

const FindingRow& row_of(FindingId id);
std::span<const FindingRow> all_findings();

std::string_view name_of(Severity severity);
std::string_view name_of(Blame blame);

}  // namespace ftpscope
