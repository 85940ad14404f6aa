// What must not reach a log: passwords and whatever may be one (threats.md S30).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analyzer/message.h"

namespace ftpscope {

inline constexpr std::string_view kHidden = "<hidden>";

// The command's argument may be a secret: PASS, ACCT, ADAT, MIC, CONF, ENC and SITE PSWD always;
// before login the argument of every verb that is not known to be harmless, and any with a control
// character in it (another command may hide behind it).
bool hides_argument(const Command& command, bool logged_in);

// The verb itself may be a secret: before login, a word off the table that is not at most four
// letters
// ("PASSsecret", a password typed at the wrong prompt).
bool hides_verb(const Command& command, bool logged_in);

// Remembers what was hidden, so that a reply that echoes it can be masked as well.
class SecretMask {
 public:
  static constexpr std::size_t kShortest = 3;  // "a" would mask half of every reply
  static constexpr std::size_t kLongest = 512;
  static constexpr std::size_t kMost =
      8;  // PASS, ACCT, and a few that were typed in the wrong place

  void remember(std::string_view secret);
  [[nodiscard]] bool hides(std::string_view text) const;
  [[nodiscard]] std::string masked(std::string_view text) const;

 private:
  std::vector<std::string> secrets_;  // the oldest first
};

}  // namespace ftpscope
