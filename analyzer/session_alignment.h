// Which transaction of one session belongs to which of another.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/alignment.h"
#include "analyzer/transaction.h"

namespace ftpscope {

// Equal texts get equal numbers, for align().
class KeyNumbers {
 public:
  std::size_t of(std::string_view key);
  std::vector<std::size_t> of(std::span<const std::string> keys);

 private:
  std::map<std::string, std::size_t, std::less<>> numbers_;
};

// Verb and argument. Without the argument if it is hidden, a password, or the address of a data
// connection; the six ways to set one up have the same key.
std::string comparison_key(const Transaction& transaction);

// By comparison_key(); between those that match, by verb. Every transaction is in it once.
std::vector<AlignedPair> align_transactions(std::span<const Transaction> a,
                                            std::span<const Transaction> b);

}  // namespace ftpscope
