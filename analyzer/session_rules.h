// The life of a session: greeting, login, 421, and how it ended.
#pragma once

#include "analyzer/record.h"

namespace ftpscope {

class SessionRules {
 public:
  void on(const record::End& end, Timestamp now, FindingSink& findings);
};

}  // namespace ftpscope
