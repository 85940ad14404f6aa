// What stands in replies of a known form: FEAT, 257, SIZE, MDTM, MLST.
#pragma once

#include "analyzer/record.h"

namespace ftpscope {

class ReplyRules {
 public:
  void on(const record::End& end, Timestamp now, FindingSink& findings);
};

}  // namespace ftpscope
