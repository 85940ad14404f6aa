// Writes what a command has made, as a whole: a file that exists is replaced when the new one is
// complete, so nobody finds half of one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ftpscope {

// `path`: "-" is standard output. `what` is its name in the sentence that comes back when it could
// not be written: "the page".
[[nodiscard]] std::optional<std::string> write_output(std::string_view what,
                                                      const std::string& path,
                                                      std::string_view text);

}  // namespace ftpscope
