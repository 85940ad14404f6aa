#include "analyzer/reply_assembler.h"

#include "analyzer/telnet.h"

namespace ftpscope {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A server that answers Telnet options writes them in front of its reply: "\xff\xfc\x01" "227 ...".
std::optional<ReplyStart> start_of(const Line& line) {
  const auto text = line.text();
  if (!has_telnet(text)) return reply_start(text);
  return reply_start(strip_telnet(text).text);
}

}  // namespace

std::optional<ReplyStart> reply_start(std::string_view text) {
  while (text.ends_with('\r')) text.remove_suffix(1);
  if (text.size() < 3 || !is_digit(text[0]) || !is_digit(text[1]) || !is_digit(text[2])) {
    return std::nullopt;
  }
  const int code = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
  return ReplyStart{code, text.size() > 3 ? text[3] : '\0'};
}

bool reads_like_final(const ReplyStart& start, int open_code) {
  const bool text = start.mark != '-' && start.mark != '\0' && !is_digit(start.mark);
  return start.mark == ' ' || (text && start.code == open_code);
}

ReplyAssembler::Step ReplyAssembler::add(const Line& line, bool expected) {
  const auto first = start_of(line);
  if (!open_) {
    const bool ends = first && (first->mark == ' ' || first->mark == '\0');
    if (ends) return complete_single(line, first->code);
    if (first && first->mark == '-') {
      start(line, *first);
      return Step::more;
    }
    // "220Hi": three digits and text. A reply if one is due, as ftplib and others read it.
    const bool no_space = first && expected && !is_digit(first->mark);
    const auto step = complete_single(line, no_space ? std::optional(first->code) : std::nullopt);
    odd_.no_space = no_space;
    return step;
  }
  append(line);
  last_like_final_ = false;
  if (!first) return Step::more;
  const bool ends = first->mark == ' ' || first->mark == '\0';
  if (ends && first->code == *code_) {
    odd_.bare_code_end = first->mark == '\0';
    return complete();
  }
  if (!reads_like_final(*first, *code_)) return Step::more;
  last_like_final_ = true;
  last_code_ = first->code;
  odd_.line_like_final = true;
  return Step::like_final;
}

void ReplyAssembler::start(const Line& line, const ReplyStart& first) {
  odd_ = {};
  many_ = std::make_unique<Lines>();
  open_ = true;
  last_like_final_ = false;
  code_ = first.code;
  append(line);
}

void ReplyAssembler::append(const Line& line) {
  many_->pieces.push_back({many_->raw.size(), line.text().size()});
  many_->endings.push_back(line.ending);
  many_->raw.append(line.raw);
}

// The texts point into the raw bytes, which move while they grow: made when they are asked for.
void ReplyAssembler::refresh_texts() {
  many_->texts.clear();
  for (const auto& piece : many_->pieces) {
    many_->texts.push_back(std::string_view(many_->raw).substr(piece.begin, piece.text_size));
  }
}

// By far the most frequent case: nothing is copied, the reply's views point into the line.
ReplyAssembler::Step ReplyAssembler::complete_single(const Line& line, std::optional<int> code) {
  many_.reset();
  text_ = line.text();
  ending_ = line.ending;
  odd_ = {};
  code_ = code;
  return Step::complete;
}

ReplyAssembler::Step ReplyAssembler::complete() {
  refresh_texts();
  open_ = false;
  return Step::complete;
}

Reply ReplyAssembler::reply() const {
  if (many_) return {odd_, code_, many_->raw, many_->texts, many_->endings};
  const std::string_view raw(text_.data(), text_.size() + bytes_of(ending_).size());
  return {odd_, code_, raw, {&text_, 1}, {&ending_, 1}};
}

void ReplyAssembler::close_here() {
  const bool at_like_final = last_like_final_;
  complete();
  odd_.unfinished = !at_like_final;
  odd_.other_code_end = at_like_final && last_code_ != *code_;
  odd_.no_space = at_like_final && last_code_ == *code_;
  if (at_like_final) code_ = last_code_;
}

std::span<const std::string_view> ReplyAssembler::open_lines(std::size_t first) {
  refresh_texts();
  return std::span<const std::string_view>(many_->texts).subspan(first);
}

std::span<const Ending> ReplyAssembler::open_endings(std::size_t first) const {
  return std::span<const Ending>(many_->endings).subspan(first);
}

std::string_view ReplyAssembler::open_raw(std::size_t first_byte) const {
  return std::string_view(many_->raw).substr(first_byte);
}

}  // namespace ftpscope
