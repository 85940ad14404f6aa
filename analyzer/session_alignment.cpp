#include "analyzer/session_alignment.h"

#include "analyzer/verbs.h"

namespace ftpscope {

namespace {

using Numbers = std::vector<std::size_t>;

bool sets_up_data(const Verb* verb) {
  return verb && (verb->meaning == Meaning::port || verb->meaning == Meaning::passive);
}

std::string verb_key(const Transaction& transaction) {
  constexpr auto kSetUp = "data connection";
  // EPSV ALL sets up nothing (RFC 2428 3).
  const bool all = transaction.argument == "ALL";
  return sets_up_data(find_verb(transaction.verb)) && !all ? kSetUp : transaction.verb;
}

// The places between two matches that are in neither: paired by verb where that can be done.
class Gap {
 public:
  void add(const AlignedPair& pair) {
    if (pair.a) a_.push_back(*pair.a);
    if (pair.b) b_.push_back(*pair.b);
  }
  void close(const Numbers& verbs_a, const Numbers& verbs_b, std::vector<AlignedPair>& out) {
    const auto pick = [](const Numbers& places, const Numbers& verbs) {
      Numbers picked;
      picked.reserve(places.size());
      for (const auto place : places) picked.push_back(verbs[place]);
      return picked;
    };
    for (const auto& pair : align(pick(a_, verbs_a), pick(b_, verbs_b))) {
      out.emplace_back();
      if (pair.a) out.back().a = a_[*pair.a];
      if (pair.b) out.back().b = b_[*pair.b];
    }
    a_.clear();
    b_.clear();
  }

 private:
  Numbers a_;
  Numbers b_;
};

template <class Key>
Numbers numbers_of(std::span<const Transaction> transactions, KeyNumbers& numbers, const Key& key) {
  Numbers all;
  all.reserve(transactions.size());
  for (const auto& transaction : transactions) all.push_back(numbers.of(key(transaction)));
  return all;
}

}  // namespace

std::size_t KeyNumbers::of(std::string_view key) {
  const auto known = numbers_.find(key);
  if (known != numbers_.end()) return known->second;
  return numbers_.emplace(key, numbers_.size()).first->second;
}

std::vector<std::size_t> KeyNumbers::of(std::span<const std::string> keys) {
  std::vector<std::size_t> all;
  all.reserve(keys.size());
  for (const auto& key : keys) all.push_back(of(std::string_view(key)));
  return all;
}

std::string comparison_key(const Transaction& transaction) {
  auto key = verb_key(transaction);
  const auto* verb = find_verb(transaction.verb);
  const bool secret = verb && verb->meaning == Meaning::password;
  if (transaction.hidden || secret || key != transaction.verb || !transaction.argument) return key;
  return key.append(" ").append(*transaction.argument);
}

std::vector<AlignedPair> align_transactions(std::span<const Transaction> a,
                                            std::span<const Transaction> b) {
  KeyNumbers keys;
  KeyNumbers verbs;
  const auto verbs_a = numbers_of(a, verbs, verb_key);
  const auto verbs_b = numbers_of(b, verbs, verb_key);
  std::vector<AlignedPair> pairs;
  Gap gap;
  for (const auto& pair :
       align(numbers_of(a, keys, comparison_key), numbers_of(b, keys, comparison_key))) {
    if (!pair.a || !pair.b) {
      gap.add(pair);
      continue;
    }
    gap.close(verbs_a, verbs_b, pairs);
    pairs.push_back(pair);
  }
  gap.close(verbs_a, verbs_b, pairs);
  return pairs;
}

}  // namespace ftpscope
