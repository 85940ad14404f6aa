#include "analyzer/redaction.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>

namespace ftpscope {

namespace {

constexpr auto kHarmlessBeforeLogin = std::to_array<std::string_view>(
    {"USER", "AUTH", "FEAT", "HOST", "OPTS", "LANG", "CLNT", "SYST", "HELP",
     "NOOP", "QUIT", "PBSZ", "PROT", "STAT", "ABOR", "REIN", "TYPE", "MODE",
     "STRU", "PASV", "EPSV", "LPSV", "PORT", "EPRT", "LPRT", "OPEN"});

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// SITE PSWD old new, SITE PASSWD, SITE CHPASS ...: the servers' own ways to change a password.
bool is_site_password(std::string_view argument) {
  std::string word(argument.substr(0, argument.find(' ')));
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return std::toupper(c); });
  return word.find("PASS") != word.npos || word.find("PSW") != word.npos || word == "PWD";
}

// A URL typed as a user name: "user:secret@host".
bool has_credentials(std::string_view argument) {
  const auto colon = argument.find(':');
  return colon != argument.npos && argument.find('@', colon) != argument.npos;
}

}  // namespace

bool hides_argument(const Command& command, bool logged_in) {
  const auto meaning = command.meaning();
  if (meaning == Meaning::password || meaning == Meaning::security_data) return true;
  if (meaning == Meaning::site && is_site_password(command.argument)) return true;
  if (meaning == Meaning::user && has_credentials(command.argument)) return true;
  if (logged_in) return hides_secret_command(command);
  if (std::ranges::any_of(command.argument, is_control)) return true;
  return std::ranges::find(kHarmlessBeforeLogin, command.name) == kHarmlessBeforeLogin.end();
}

bool hides_verb(const Command& command, bool logged_in) {
  if (command.verb || logged_in) return false;
  const bool letters = std::ranges::all_of(
      command.name, [](unsigned char c) { return std::isalpha(c) != 0 && c < 0x80; });
  return !letters || command.name.size() > 4;
}

void SecretMask::remember(std::string_view secret) {
  secret = secret.substr(0, kLongest);
  if (secret.size() < kShortest || std::ranges::find(secrets_, secret) != secrets_.end()) return;
  if (secrets_.size() == kMost) secrets_.erase(secrets_.begin());
  secrets_.emplace_back(secret);
}

bool SecretMask::hides(std::string_view text) const {
  return std::ranges::any_of(
      secrets_, [text](const std::string& secret) { return text.find(secret) != text.npos; });
}

std::string SecretMask::masked(std::string_view text) const {
  auto longest_first = secrets_;  // one may be the beginning of another
  std::ranges::sort(longest_first, std::ranges::greater(), &std::string::size);
  std::string result(text);
  for (const auto& secret : longest_first) {
    for (auto at = result.find(secret); at != result.npos; at = result.find(secret, at)) {
      result.replace(at, secret.size(), kHidden);
      at += kHidden.size();
    }
  }
  return result;
}

}  // namespace ftpscope
