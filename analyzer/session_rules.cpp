#include "analyzer/session_rules.h"

namespace ftpscope {

void SessionRules::on(const record::End&, Timestamp, FindingSink&) {}

}  // namespace ftpscope
