#include "analyzer/substitution.h"

#include <utility>

namespace ftpscope {

std::expected<Substitution, std::string> parse_substitution(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == text.npos || equals == 0) {
    return std::unexpected("needs FROM=TO, as in /old/path=/new/path");
  }
  return Substitution{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

std::string substituted(std::string text, const std::vector<Substitution>& substitutions) {
  for (const auto& [from, to] : substitutions) {
    if (from.empty() || text.find(from) == text.npos) continue;
    std::string changed;
    std::size_t done = 0;
    for (std::size_t at = 0; (at = text.find(from, done)) != text.npos; done = at + from.size()) {
      changed.append(text, done, at - done).append(to);
    }
    text = changed.append(text, done);
  }
  return text;
}

void substitute(SessionTransactions& session, const std::vector<Substitution>& substitutions) {
  if (substitutions.empty()) return;
  for (auto& transaction : session.transactions) {
    for (auto& reply : transaction.replies) {
      reply.raw = substituted(std::move(reply.raw), substitutions);
    }
    if (!transaction.argument || transaction.hidden) continue;
    auto changed = substituted(*transaction.argument, substitutions);
    if (changed != *transaction.argument) transaction.line.reset();  // as it was spelled
    transaction.argument = std::move(changed);
  }
}

}  // namespace ftpscope
