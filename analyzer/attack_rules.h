// Patterns of known attacks.
#pragma once

#include "analyzer/record.h"

namespace ftpscope {

class AttackRules {
 public:
  void on(const record::End& end, Timestamp now, FindingSink& findings);
};

}  // namespace ftpscope
