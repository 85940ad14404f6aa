// The line splitter, the reply assembler, Telnet and the command parser: no byte is lost, no cut
// matters, no limit is passed. Input: a byte that chooses limits, two for the cuts, then the
// stream.
#include <optional>
#include <vector>

#include "analyzer/message.h"
#include "analyzer/reply_assembler.h"
#include "analyzer/telnet.h"
#include "tests/fuzz/check.h"

namespace ftpscope::fuzz {
namespace {

struct OwnLine {
  std::string raw;
  Ending ending;
  bool overlong;
  bool operator==(const OwnLine&) const = default;
};

struct Split {
  std::vector<OwnLine> lines;
  std::string rest;
};

void drain(LineSplitter& splitter, std::size_t line_max, Split& split) {
  while (const auto line = splitter.next()) {
    check(!line->raw.empty() && line->raw.size() <= line_max, "a line is within the limit");
    check(line->text().size() <= line->raw.size(), "the text is a part of the line");
    const auto newline = line->raw.find('\n');
    check(line->overlong == (newline == line->raw.npos), "only a piece of a longer line has no LF");
    check(line->overlong || newline + 1 == line->raw.size(),
          "the only LF of a line is its last byte");
    split.lines.push_back({std::string(line->raw), line->ending, line->overlong});
  }
}

// `cuts` null: all at once.
Split split_stream(std::string_view stream, std::size_t line_max, Random* cuts, bool hold) {
  Split split;
  LineSplitter splitter(line_max);
  while (!stream.empty()) {
    const auto size =
        cuts ? 1 + cuts->below(cuts->below(4) == 0 ? stream.size() : 5) : stream.size();
    std::string piece(stream.substr(0, size));  // its memory goes away: hold() must have copied it
    stream.remove_prefix(piece.size());
    splitter.feed(piece);
    drain(splitter, line_max, split);
    check(splitter.rest().size() <= line_max, "no more than a line is held");
    if (hold || !stream.empty()) splitter.hold();
    if (hold) drain(splitter, line_max, split);
    if (stream.empty()) {
      if (const auto last = splitter.finish()) {
        check(last->ending == Ending::none,
              "the bytes behind the last LF are a line with no ending");
        split.rest = last->raw;
      }
      check(!splitter.finish() && !splitter.next(), "a stream ends once");
    }
  }
  return split;
}

void check_splitter(std::string_view stream, std::size_t line_max, std::uint64_t seed) {
  const auto whole = split_stream(stream, line_max, nullptr, false);
  std::string all;
  for (const auto& line : whole.lines) all += line.raw;
  check(all + whole.rest == stream, "the lines together are the stream");
  Random cuts(seed);
  const auto cut = split_stream(stream, line_max, &cuts, true);
  check(cut.lines == whole.lines && cut.rest == whole.rest, "no cut makes a difference", stream);
}

void check_reply(const Reply& reply, std::string_view expected) {
  check(reply.raw == expected, "a reply is its lines, byte for byte", reply.raw);
  check(reply.lines.size() == reply.endings.size(), "each line of a reply has its ending");
  std::string again;
  for (std::size_t i = 0; i < reply.lines.size(); ++i) {
    again += reply.lines[i];
    if (reply.endings[i] == Ending::crlf) again += "\r\n";
    if (reply.endings[i] == Ending::lf) again += "\n";
  }
  check(again == expected, "texts and endings give the bytes back", expected);
  check(!reply.code || (*reply.code >= 0 && *reply.code <= 999), "a code has three digits");
}

void check_assembler(std::string_view stream, std::uint8_t choice) {
  LineSplitter splitter;
  splitter.feed(stream);
  ReplyAssembler assembler;
  std::string open;
  std::size_t open_lines = 0;
  const auto add = [&](const Line& line) {
    const bool was_open = assembler.open();
    open += line.raw;
    ++open_lines;
    const auto step = assembler.add(line, (choice & 1U) != 0);
    if (step == ReplyAssembler::Step::complete) {
      check(!assembler.open(), "a complete reply is not open");
      check(was_open || assembler.reply().lines.size() == 1, "one line is one line");
      check_reply(assembler.reply(), open);
      open.clear();
      open_lines = 0;
      return;
    }
    check(assembler.open(), "an incomplete reply is open");
    check(assembler.size() == open.size() && assembler.line_count() == open_lines,
          "the limits are compared with what is held");
    check(assembler.open_raw(0) == open, "an open reply keeps its bytes");
    if (step == ReplyAssembler::Step::like_final) {
      check(assembler.ends_like_final(), "a line like an end is remembered");
      if ((choice & 2U) != 0) {
        assembler.close_here();
        check_reply(assembler.reply(), open);
        open.clear();
        open_lines = 0;
      }
    }
  };
  while (const auto line = splitter.next()) add(*line);
  if (const auto last = splitter.finish()) add(*last);
  if (!assembler.open()) return check(open.empty(), "nothing is left behind");
  check(assembler.open_lines(0).size() == open_lines, "an open reply keeps its lines");
  assembler.close_here();
  check_reply(assembler.reply(), open);
}

void check_telnet(std::string_view text) {
  const auto stripped = strip_telnet(text);
  check(stripped.text.size() <= text.size(), "stripping adds nothing");
  if (!has_telnet(text)) check(stripped.text == text && !stripped.commands, "no IAC, no change");
  std::string doubled;
  for (const char c : text) doubled.append(c == kIac ? 2 : 1, c);
  const auto again = strip_telnet(doubled);
  check(again.text == text && !again.commands && !again.dangling, "IAC IAC is one 0xFF", text);
}

void check_command(const Line& line) {
  std::string scratch;
  const auto command = parse_command(line, scratch);
  check_telnet(line.text());
  check(command.verb == nullptr || command.name == command.verb->name, "a known verb's name");
  check(!command.name.empty() || !command.has_argument, "no verb, no argument");
  const auto canonical = canonical_line(command);
  if (command.canonical()) check(canonical == line.raw, "canonical means byte for byte", line.raw);
  std::string scratch_again;
  const auto again = parse_command({canonical, Ending::crlf, false, {}}, scratch_again);
  check(again.name == command.name && again.argument == command.argument &&
            again.has_argument == command.has_argument && !again.telnet && !again.dangling_telnet,
        "the canonical line reads as the same command", line.raw);
  check(canonical_line(again) == canonical, "a canonical line is its own canonical line", line.raw);
  [[maybe_unused]] const bool hides = hides_address_command(command);
}

}  // namespace
}  // namespace ftpscope::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ftpscope;
  using namespace ftpscope::fuzz;
  Input input(data, size);
  const auto choice = input.byte();
  const auto seed = input.number(2);
  const auto stream = input.rest();
  const std::size_t line_max = (choice & 4U) != 0 ? 1 + choice / 8U : LineSplitter::kLineMax;
  check_splitter(stream, line_max, seed);
  check_assembler(stream, choice);
  LineSplitter splitter;
  splitter.feed(stream);
  while (const auto line = splitter.next()) check_command(*line);
  return 0;
}
