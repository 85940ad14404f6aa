#include "analyzer/tls_rules.h"

namespace ftpscope {

void TlsRules::on(const record::End&, Timestamp, FindingSink&) {}

}  // namespace ftpscope
