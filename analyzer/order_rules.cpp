#include "analyzer/order_rules.h"

namespace ftpscope {

void OrderRules::on(const record::End&, Timestamp, FindingSink&) {}

}  // namespace ftpscope
