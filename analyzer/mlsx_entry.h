// An entry of a machine-readable listing: a line of MLSD's data, or in the reply to MLST behind its
// blank.
#pragma once

#include <string_view>

namespace ftpscope {

// RFC 3659 7.2: `fact=value;fact=value; name`, without the end of the line. Facts may be missing,
// the blank may not. Looks at the form only: any fact and any value that the characters allow.
bool is_mlsx_entry(std::string_view line);

}  // namespace ftpscope
