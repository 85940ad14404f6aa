// Transfers: whether the data, its replies and what was said of its size agree, and how it ended.
#pragma once

#include "analyzer/record.h"

namespace ftpscope {

class TransferRules {
 public:
  void on(const record::End& end, Timestamp now, FindingSink& findings);
};

}  // namespace ftpscope
