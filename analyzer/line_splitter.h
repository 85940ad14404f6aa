// Cuts one direction of a control connection into lines. Knows nothing of FTP.
//
// A line ends at LF, and only there: that is what every server and client agrees on (a bare CR,
// which RFC 854 2.2 forbids, is text here; rewriters/line_guard.h deals with those who read it
// differently).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ftpscope {

enum class Ending : std::uint8_t { crlf, lf, none };

struct Line {
  std::string_view raw;  // with its ending: what was received, byte for byte
  Ending ending = Ending::crlf;
  bool overlong = false;  // a piece of kLineMax bytes with no LF in it; more of the line follows
  std::optional<std::size_t> urgent = std::nullopt;  // the offset of a byte sent as TCP urgent data

  [[nodiscard]] std::string_view text() const;  // without its ending
};

std::string_view name_of(Ending ending);
std::string_view bytes_of(Ending ending);

class LineSplitter {
 public:
  static constexpr std::size_t kLineMax = 32768;  // default of --max-line, ending included

  explicit LineSplitter(std::size_t line_max = kLineMax) : line_max_(line_max) {}

  // Adds bytes. They are not copied, so they must stay where they are until hold().
  // `urgent`: the first of them was sent as TCP urgent data (RFC 959 4.1.3, ABOR).
  void feed(std::string_view bytes, bool urgent = false);

  // The next whole line, or nothing. A line is valid until the next call of feed() or hold().
  std::optional<Line> next();

  // At the end of the stream: the bytes behind the last LF, as a line with no ending.
  std::optional<Line> finish();

  // Copies what next() has not returned, so that the bytes given to feed() may go away.
  void hold();

  [[nodiscard]] std::string_view rest() const { return rest_; }
  std::string_view take_rest();

 private:
  Line take(std::size_t length);

  std::size_t line_max_;
  // What was held, while some of it is left: then rest_ is its end.
  std::unique_ptr<std::string> held_;
  std::string_view rest_;              // not returned yet
  std::size_t searched_ = 0;           // known to hold no LF, so that slow senders cost linear time
  std::optional<std::size_t> urgent_;  // in rest_
};

}  // namespace ftpscope
