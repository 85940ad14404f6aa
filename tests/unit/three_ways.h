// Every reader is fed three ways (conventions.md, point 8): the bytes at once, one by one, and with
// more behind them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/line_splitter.h"

namespace ftpscope::unit {

struct OwnedLine {
  std::string raw;
  Ending ending = Ending::crlf;
  bool overlong = false;

  [[nodiscard]] Line line() const { return {raw, ending, overlong, std::nullopt}; }
  bool operator==(const OwnedLine&) const = default;
};

inline void drain(LineSplitter& splitter, std::vector<OwnedLine>& lines) {
  while (const auto line = splitter.next()) {
    lines.push_back({std::string(line->raw), line->ending, line->overlong});
  }
}

// Feeds pieces that are gone when feed() and hold() are over, and ends the stream.
inline std::vector<OwnedLine> split(const std::vector<std::string_view>& pieces,
                                    std::size_t line_max) {
  LineSplitter splitter(line_max);
  std::vector<OwnedLine> lines;
  for (const auto piece : pieces) {
    auto buffer = std::make_unique<std::string>(piece);
    splitter.feed(*buffer);
    drain(splitter, lines);
    splitter.hold();
    buffer->assign(buffer->size(), '#');
  }
  if (const auto rest = splitter.finish()) {
    lines.push_back({std::string(rest->raw), rest->ending, rest->overlong});
  }
  return lines;
}

inline std::vector<OwnedLine> at_once(std::string_view bytes,
                                      std::size_t line_max = LineSplitter::kLineMax) {
  return split({bytes}, line_max);
}

inline std::vector<OwnedLine> one_by_one(std::string_view bytes,
                                         std::size_t line_max = LineSplitter::kLineMax) {
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < bytes.size(); ++i) pieces.push_back(bytes.substr(i, 1));
  return split(pieces, line_max);
}

}  // namespace ftpscope::unit
