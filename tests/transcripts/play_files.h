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

// Flush-left lines are acted on; the indented ones are what came out.
template <class Player>
std::string played(const std::string& text) {
  Player player;
  std::string out;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("  ")) continue;
    player.act(line);
    out += line + "\n" + player.take_shown();
  }
  return out;
}

template <class Player>
void check_play_files(const char* folder) {
  std::size_t count = 0;
  const auto files = std::filesystem::path(FTPSCOPE_TRANSCRIPTS) / folder;
  for (const auto& entry : std::filesystem::directory_iterator(files)) {
    if (entry.path().extension() != ".play") continue;
    ++count;
    INFO(entry.path().filename().string());
    std::ostringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    const auto actual = played<Player>(text.str());
    if (std::getenv("FTPSCOPE_UPDATE") != nullptr) {
      std::ofstream(entry.path(), std::ios::binary) << actual;
    } else {
      CHECK(actual == text.str());
    }
  }
  CHECK(count >= 10);
}

}  // namespace ftpscope::transcripts
