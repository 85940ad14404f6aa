// How a record looks in a transcript.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "analyzer/record.h"
#include "tests/transcripts/runner.h"

namespace ftpscope::transcripts {

// Nothing when the transcript did not ask for records of this kind.
std::optional<std::string> shown_record(const Record& record, std::string_view json,
                                        const Settings& settings);

std::string kind_in(std::string_view json);

}  // namespace ftpscope::transcripts
