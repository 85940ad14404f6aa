// The addresses in PORT, EPRT, LPRT and in 227, 228, 229: whether anybody can and should connect to
// them.
#pragma once

#include "analyzer/record.h"

namespace ftpscope {

class AddressRules {
 public:
  void on(const record::End& end, Timestamp now, FindingSink& findings);
};

}  // namespace ftpscope
