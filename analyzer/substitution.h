// Texts that stand for each other in two sessions that are compared or played: hosts, names, paths,
// dates. Pure.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/transaction.h"

namespace ftpscope {

// `from` becomes `to`.
struct Substitution {
  std::string from;
  std::string to;
};

// "FROM=TO". FROM may not be empty; the first `=` parts them.
[[nodiscard]] std::expected<Substitution, std::string> parse_substitution(std::string_view text);

// One after the other, in their order.
std::string substituted(std::string text, const std::vector<Substitution>& substitutions);

// In every argument and every reply.
void substitute(SessionTransactions& session, const std::vector<Substitution>& substitutions);

}  // namespace ftpscope
