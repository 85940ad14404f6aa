// What is odd about a session beyond its single lines: the order of commands, addresses, transfers,
// the session's life. Told from the records alone, so that it is the same live, from a log and from
// a capture. The Recorder shows every record to the rules right after it went out; `end`, which is
// to be the last one, right before.
//
// A family of rules is a class with an overload `on(record::X, Timestamp, FindingSink&)` for each
// kind of record that it looks at; it keeps what it needs to remember and no more.
#pragma once

#include <optional>
#include <string_view>

#include "analyzer/address_rules.h"
#include "analyzer/attack_rules.h"
#include "analyzer/order_rules.h"
#include "analyzer/record.h"
#include "analyzer/reply_rules.h"
#include "analyzer/session_rules.h"
#include "analyzer/tls_rules.h"
#include "analyzer/transfer_rules.h"

namespace ftpscope {

class Rules {
 public:
  void see(const Record& record, FindingSink& findings);

 private:
  OrderRules order_;
  ReplyRules replies_;
  AddressRules addresses_;
  TransferRules transfers_;
  SessionRules session_;
  TlsRules tls_;
  AttackRules attacks_;
};

}  // namespace ftpscope
