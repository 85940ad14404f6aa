// A comparison for scripts: one JSON object a line. captures/README.md lists the fields.
#pragma once

#include <string>

#include "analyzer/comparison.h"

namespace ftpscope {

std::string comparison_json(const Comparison& comparison);

}  // namespace ftpscope
