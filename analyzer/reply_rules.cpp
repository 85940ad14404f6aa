#include "analyzer/reply_rules.h"

namespace ftpscope {

void ReplyRules::on(const record::End&, Timestamp, FindingSink&) {}

}  // namespace ftpscope
