#include "analyzer/line_splitter.h"

#include <algorithm>
#include <utility>

namespace ftpscope {

std::string_view Line::text() const {
  switch (ending) {
    case Ending::crlf: return raw.substr(0, raw.size() - 2);
    case Ending::lf: return raw.substr(0, raw.size() - 1);
    case Ending::none: return raw;
  }
  return raw;
}

std::string_view name_of(Ending ending) {
  switch (ending) {
    case Ending::crlf: return "crlf";
    case Ending::lf: return "lf";
    case Ending::none: return "none";
  }
  return "none";
}

std::string_view bytes_of(Ending ending) {
  switch (ending) {
    case Ending::crlf: return "\r\n";
    case Ending::lf: return "\n";
    case Ending::none: return "";
  }
  return "";
}

void LineSplitter::feed(std::string_view bytes, bool urgent) {
  if (rest_.empty()) {
    held_.reset();
    rest_ = bytes;
    searched_ = 0;
    urgent_ = urgent ? std::optional<std::size_t>(0) : std::nullopt;
    return;
  }
  hold();
  if (urgent) urgent_ = held_->size();
  held_->append(bytes);
  rest_ = *held_;
}

// The urgent byte is told once, then forgotten.
Line LineSplitter::take(std::size_t length) {
  Line line{rest_.substr(0, length), Ending::none};
  rest_.remove_prefix(length);
  searched_ -= std::min(searched_, length);
  if (urgent_ && *urgent_ < length) {
    line.urgent = std::exchange(urgent_, std::nullopt);
  } else if (urgent_) {
    *urgent_ -= length;
  }
  return line;
}

std::optional<Line> LineSplitter::next() {
  const auto newline = rest_.find('\n', searched_);
  const auto length = newline == rest_.npos ? rest_.size() : newline + 1;
  if (length > line_max_) {
    auto piece = take(line_max_);
    piece.overlong = true;
    return piece;
  }
  if (newline == rest_.npos) {
    searched_ = rest_.size();
    return std::nullopt;
  }
  auto line = take(length);
  line.ending = line.raw.ends_with("\r\n") ? Ending::crlf : Ending::lf;
  return line;
}

std::optional<Line> LineSplitter::finish() {
  if (rest_.empty()) return std::nullopt;
  return take(rest_.size());
}

std::string_view LineSplitter::take_rest() { return take(rest_.size()).raw; }

// An idle session holds no buffer.
void LineSplitter::hold() {
  if (rest_.empty()) {
    held_.reset();
    rest_ = {};
    return;
  }
  if (held_) {
    held_->erase(0, held_->size() - rest_.size());
  } else {
    held_ = std::make_unique<std::string>(rest_);
  }
  rest_ = *held_;
}

}  // namespace ftpscope
