// A comparison as JUnit's XML, which CI systems show: a test suite for each pair of sessions, a
// test case for each transaction, one for each expectation.
#pragma once

#include <string>

#include "analyzer/comparison.h"

namespace ftpscope {

std::string comparison_junit(const Comparison& comparison);

}  // namespace ftpscope
