// Every transcript, played and compared. FTPSCOPE_UPDATE=1 rewrites the files that differ instead:
// read the difference before you commit it.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/transcripts/runner.h"

namespace ftpscope::transcripts {

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The first line that differs, with what is around it.
std::string difference(const std::string& expected, const std::string& actual) {
  const auto want = lines_of(expected);
  const auto have = lines_of(actual);
  std::size_t at = 0;
  while (at < want.size() && at < have.size() && want[at] == have[at]) ++at;
  std::string text = "line " + std::to_string(at + 1) + "\n";
  for (auto i = at < 4 ? 0 : at - 4; i < at; ++i) text += "    " + want[i] + "\n";
  for (auto i = at; i < want.size() && i < at + 4; ++i) text += "  - " + want[i] + "\n";
  for (auto i = at; i < have.size() && i < at + 4; ++i) text += "  + " + have[i] + "\n";
  return text;
}

}  // namespace

TEST_CASE("every transcript comes out as it is written") {
  const auto files = all_transcripts();
  REQUIRE(files.size() > 50);
  const bool update = std::getenv("FTPSCOPE_UPDATE") != nullptr;
  for (const auto& file : files) {
    INFO(file.name);
    Script script;
    Run run;
    try {
      script = parse_script(file.text);
      run = play(script);
    } catch (const std::exception& error) {
      FAIL_CHECK(error.what());
      continue;
    }
    const auto actual = regenerate(script, run);
    if (actual == file.text) continue;
    if (update) {
      std::ofstream(file.path, std::ios::binary) << actual;
      MESSAGE("rewrote " << file.name);
    } else {
      FAIL_CHECK(difference(file.text, actual));
    }
  }
}

}  // namespace ftpscope::transcripts
