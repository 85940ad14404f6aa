// Commands that come in another order than RFC 959 5.4 draws: RNTO without RNFR, PASS without USER.
#pragma once

#include "analyzer/record.h"

namespace ftpscope {

class OrderRules {
 public:
  void on(const record::End& end, Timestamp now, FindingSink& findings);
};

}  // namespace ftpscope
