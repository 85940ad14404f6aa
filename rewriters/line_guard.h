// Refuses lines that servers read differently (threats.md S02, S03). In either posture no line
// passes in which some server could see an address command that we did not; strict refuses all that
// is ambiguous.
#pragma once

#include "rewriters/rewriter.h"

namespace ftpscope {

enum class Lines : std::uint8_t { raw, strict };
std::string_view name_of(Lines lines);

class LineGuard final : public Rewriter {
 public:
  explicit LineGuard(Lines lines) : lines_(lines) {}
  [[nodiscard]] CommandVerdict on_command(const Command& command,
                                          const SessionState& state) const override;

 private:
  Lines lines_;
};

// The lines of a reply as the strict posture sends them: CRLF at the end, no Telnet commands, no
// NUL, no other CR. Bytes without a line end (the stream ended there) stay without one.
std::string canonical_reply(std::string_view raw);

}  // namespace ftpscope
