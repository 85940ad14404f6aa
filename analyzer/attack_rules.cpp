#include "analyzer/attack_rules.h"

namespace ftpscope {

void AttackRules::on(const record::End&, Timestamp, FindingSink&) {}

}  // namespace ftpscope
