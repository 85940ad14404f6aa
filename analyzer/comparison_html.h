// A comparison as one HTML page: two columns, aligned, with what differs below each pair. A file by
// itself, without scripts: what is the same folds and unfolds by the browser's own means. Safe to
// open, as report_html.h tells; here nothing can run at all.
#pragma once

#include <string>

#include "analyzer/comparison.h"

namespace ftpscope {

std::string comparison_html(const Comparison& comparison);

}  // namespace ftpscope
