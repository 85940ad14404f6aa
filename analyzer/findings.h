// The catalogue of what can be odd in a session: one row a finding, in the order of FindingId.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ftpscope {

enum class Severity : std::uint8_t { note, warning, error };
// sender: whoever sent the line; the detail of the finding says which side that is.
enum class Blame : std::uint8_t { client, server, network, proxy, sender };

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
  keepalive_unanswered,
  greeting_not_ftp,
  reply_slow,
  feat_syntax,
  pwd_syntax,
  size_syntax,
  mdtm_syntax,
  mlst_syntax,
  mlsd_syntax,
  utf8_violated,
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
  before_greeting,
  order_rnto,
  order_rnfr,
  order_pass,
  order_rest,
  order_login,
  order_no_setup,
  order_setup_unused,
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
  port_unroutable,
  pasv_unroutable,
  pasv_form,
  epsv_form,
  epsv_refused,
  eprt_refused,
  pasv_refused,
  port_refused,
  ipv4_command_over_ipv6,
  middlebox_rewrote,
  port_changed,
  double_rewrite,
  // data connections
  data_stranger,
  data_other_address,
  data_never_connected,
  data_connect_failed,
  data_ports_exhausted,
  data_relayed,
  data_reset,
  data_stalled,
  data_silent,
  data_refused,
  data_unreachable,
  data_late,
  data_no_command,
  data_other_host,
  data_several,
  data_reset_after_end,
  data_cut_by_receiver,
  data_empty,
  transfer_cannot_open,
  transfer_aborted,
  transfer_never_completed,
  size_mismatch,
  announced_mismatch,
  ascii_size,
  rest_ignored,
  type_default,
  type_refused,
  rate_low,
  // TLS
  tls_opaque,
  tls_refused,
  tls_plaintext_behind_auth,
  tls_auth_refused,
  tls_auth_stripped,
  tls_data_in_clear,
  tls_not_resumed,
  tls_reuse_required,
  tls_no_close_notify,
  tls_old_version,
  // the session's life
  timeout_greeting,
  timeout_login,
  timeout_line,
  timeout_idle,
  control_reset,
  quit_with_transfer,
  proxy_header_unasked,
  proxy_header_missing,
  proxy_header_malformed,
  greeting_slow,
  login_slow,
  login_refused,
  login_without_password,
  password_in_clear,
  service_closing,
  server_closed_silently,
  control_dead_after_transfer,
  retries,
  server_unreachable,
  server_turned_away,
  server_forbidden,
  // attacks
  password_guessing,
  terminal_escape,
  forged_reply,
  // the capture that was analysed
  capture_damaged,
  capture_gap,
  capture_overlap,
  capture_mid_stream,
  capture_one_way,
  capture_data_missing,
  capture_limit,
  // a recording that is played
  replay_unmatched,
  replay_upload_differs,
  count_,
};

struct FindingRow {
  FindingId id;
  std::string_view name;  // stable: scripts select by it
  Severity severity;
  Blame blame;              // who most likely has to change something
  std::string_view source;  // RFC and section, or the option that set the limit
  std::string_view title;
  std::string_view seen;    // what the records show when it is told, and what that means
  std::string_view remedy;  // what to do about it, and by whom
};

const FindingRow& row_of(FindingId id);
// In any case of letters; null when there is none of that name.
const FindingRow* find_finding(std::string_view name);
std::span<const FindingRow> all_findings();

std::string_view name_of(Severity severity);
std::string_view name_of(Blame blame);
// Of one finding: never the sender, who is known by then (network, if not).
Blame blame_of(const FindingRow& row, std::string_view detail);

}  // namespace ftpscope
