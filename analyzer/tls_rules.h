// What can be said of TLS from outside.
#pragma once

#include "analyzer/record.h"

namespace ftpscope {

class TlsRules {
 public:
  void on(const record::End& end, Timestamp now, FindingSink& findings);
};

}  // namespace ftpscope
