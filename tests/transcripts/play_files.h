// The transcripts of one of the replays, each played and compared. FTPSCOPE_UPDATE=1 writes them
// instead.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace ftpscope::transcripts {

template <class Play>
void check_play_files(const char* folder, Play play) {
  std::size_t count = 0;
  const auto files = std::filesystem::path(FTPSCOPE_TRANSCRIPTS) / folder;
  for (const auto& entry : std::filesystem::directory_iterator(files)) {
    if (entry.path().extension() != ".play") continue;
    ++count;
    INFO(entry.path().filename().string());
    std::ostringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    const std::string actual = play(text.str());
    if (std::getenv("FTPSCOPE_UPDATE") != nullptr) {
      std::ofstream(entry.path(), std::ios::binary) << actual;
    } else {
      CHECK(actual == text.str());
    }
  }
  CHECK(count >= 10);
}

}  // namespace ftpscope::transcripts
