#include "analyzer/transfer_rules.h"

namespace ftpscope {

void TransferRules::on(const record::End&, Timestamp, FindingSink&) {}

}  // namespace ftpscope
