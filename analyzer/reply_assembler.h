// Puts the lines of the server into replies. README.md ("Where does a reply end?") tells the rules
// and why.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/line_splitter.h"

namespace ftpscope {

// How a reply is written otherwise than RFC 959 4.2 has it.
struct ReplyOddities {
  bool unfinished = false;  // its last line never came
  bool other_code_end =
      false;  // closed by another code than the one that opened it; `code` is that one
  bool bare_code_end = false;  // closed by "ddd" with nothing behind it
  bool no_space = false;       // "dddText", as the only line or as the last
  // A line inside it reads like the end of a reply to a client that looks for any "ddd ".
  bool line_like_final = false;
};

struct Reply : ReplyOddities {
  std::optional<int> code;  // none: a line without a code, outside any reply
  std::string_view raw;     // all its lines with their endings, byte for byte
  std::span<const std::string_view> lines;
  std::span<const Ending> endings;

  [[nodiscard]] bool preliminary() const { return code && *code >= 100 && *code < 200; }
};

// How a line starts: "ddd " ends a reply, "ddd-" opens one, "ddd" alone and "dddx" are seen in the
// field.
struct ReplyStart {
  int code = 0;
  char mark = '\0';  // what follows the code; '\0': nothing
};
std::optional<ReplyStart> reply_start(std::string_view text);

// A line inside a reply that `open_code` has opened is its end for some clients: "ddd " of any
// code, and "dddText" of the same (ftplib and tnftp end there). They tell by going on.
bool reads_like_final(const ReplyStart& start, int open_code);

class ReplyAssembler {
 public:
  static constexpr std::size_t kReplyMax = 262144;      // bytes, default of --max-reply
  static constexpr std::size_t kReplyLinesMax = 10000;  // default of --max-reply-lines

  enum class Step : unsigned char {
    more,        // inside a multi-line reply
    like_final,  // the same, but this line ends a reply for clients that do not compare codes
    complete,    // reply() has it
  };

  // `expected`: a reply is awaited, so that "dddText" is one with a missing space, not stray text.
  Step add(const Line& line, bool expected);

  [[nodiscard]] bool open() const { return open_; }
  [[nodiscard]] bool ends_like_final() const { return open_ && last_like_final_; }
  [[nodiscard]] int open_code() const { return *code_; }  // of an open one
  [[nodiscard]] std::size_t size() const { return many_ ? many_->raw.size() : 0; }
  [[nodiscard]] std::size_t line_count() const { return many_ ? many_->pieces.size() : 0; }

  // Ends the open reply where it stands: by the other code of its last line, or unfinished.
  void close_here();

  // The reply that add() or close_here() completed, valid until the next add().
  [[nodiscard]] Reply reply() const;

  // The open reply's lines from `first` on, and their bytes.
  std::span<const std::string_view> open_lines(std::size_t first);
  [[nodiscard]] std::span<const Ending> open_endings(std::size_t first) const;
  [[nodiscard]] std::string_view open_raw(std::size_t first_byte) const;

 private:
  struct Piece {
    std::size_t begin;
    std::size_t text_size;
  };
  struct Lines {
    std::string raw;
    std::vector<Piece> pieces;  // of it
    std::vector<std::string_view> texts;
    std::vector<Ending> endings;
  };

  void start(const Line& line, const ReplyStart& first);
  void append(const Line& line);
  void refresh_texts();
  Step complete_single(const Line& line, std::optional<int> code);
  Step complete();

  // Of a reply of one line, and of one that has more: few have at a time.
  std::string_view text_;
  std::unique_ptr<Lines> many_;
  std::optional<int> code_;  // the reply's; while it is open, of the line that opened it
  int last_code_ = 0;        // of a line like a final one
  bool open_ = false;
  bool last_like_final_ = false;
  Ending ending_ = Ending::crlf;
  ReplyOddities odd_;
};

}  // namespace ftpscope
