#include "analyzer/address_rules.h"

namespace ftpscope {

void AddressRules::on(const record::End&, Timestamp, FindingSink&) {}

}  // namespace ftpscope
