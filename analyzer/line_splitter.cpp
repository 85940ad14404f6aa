#include "analyzer/line_splitter.h"

#include <algorithm>

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
  if (taken_ == window_.size()) {
    window_ = bytes;
    taken_ = 0;
    searched_ = 0;
    urgent_ = urgent ? std::optional<std::size_t>(0) : std::nullopt;
    return;
  }
  hold();
  if (urgent) urgent_ = held_.size();
  held_.append(bytes);
  window_ = held_;
}

// The urgent byte's offset in the next `length` bytes. Told once, then forgotten.
std::optional<std::size_t> LineSplitter::urgent_within(std::size_t length) {
  if (!urgent_ || *urgent_ >= taken_ + length) return std::nullopt;
  const auto offset = *urgent_ - taken_;
  urgent_.reset();
  return offset;
}

std::optional<Line> LineSplitter::next() {
  const auto unread = window_.size() - taken_;
  const auto from = std::max(taken_, searched_);
  const auto newline = window_.find('\n', from);
  const auto length = newline == window_.npos ? unread : newline - taken_ + 1;
  if (length > line_max_) {
    const Line piece{window_.substr(taken_, line_max_), Ending::none, true, {}};
    taken_ += line_max_;
    return piece;
  }
  if (newline == window_.npos) {
    searched_ = window_.size();
    return std::nullopt;
  }
  const auto raw = window_.substr(taken_, length);
  const auto urgent = urgent_within(length);
  taken_ += length;
  return Line{raw, raw.ends_with("\r\n") ? Ending::crlf : Ending::lf, false, urgent};
}

std::optional<Line> LineSplitter::finish() {
  const auto urgent = urgent_within(rest().size());
  const auto raw = take_rest();
  if (raw.empty()) return std::nullopt;
  return Line{raw, Ending::none, false, urgent};
}

std::string_view LineSplitter::take_rest() {
  const auto rest = window_.substr(taken_);
  taken_ = window_.size();
  return rest;
}

void LineSplitter::hold() {
  const auto unread = window_.substr(taken_);
  if (unread.empty()) {
    held_ = std::string();  // an idle session holds no buffer
  } else if (window_.data() == held_.data()) {
    held_.erase(0, taken_);
  } else {
    held_.assign(unread);
  }
  searched_ -= std::min(searched_, taken_);
  if (urgent_) *urgent_ -= std::min(*urgent_, taken_);
  taken_ = 0;
  window_ = held_;
}

}  // namespace ftpscope
