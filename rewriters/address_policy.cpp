#include "rewriters/address_policy.h"

#include <algorithm>

#include "analyzer/address_rules.h"

namespace ftpscope {

namespace {

using Parsed = std::expected<void, std::string>;

std::unexpected<std::string> wrong(std::string_view text, std::string_view why) {
  return std::unexpected("'" + std::string(text) + "' " + std::string(why));
}

std::optional<IpAddress>& of_family(AddressPair& pair, bool v6) { return v6 ? pair.v6 : pair.v4; }

bool may_be_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  });
}

Parsed parse_map(std::string_view text, AddressRule& rule) {
  const auto equals = text.find('=');
  const auto from = parse_ip(text.substr(0, equals));
  const auto to = equals == text.npos ? std::nullopt : parse_ip(text.substr(equals + 1));
  if (!from || !to) return wrong(text, "needs two addresses, as in map:10.0.0.5=192.0.2.5");
  if (from->v6 != to->v6) return wrong(text, "has an IPv4 and an IPv6 address");
  rule.word = AddressWord::map;
  rule.from = *from;
  of_family(*rule.to, to->v6) = to;
  return {};
}

Parsed parse_public(std::string_view text, AddressRule& rule) {
  rule.word = AddressWord::fixed;
  if (const auto ip = parse_ip(text)) {
    of_family(*rule.to, ip->v6) = ip;
    return {};
  }
  const auto prefixed = [text](std::string_view prefix) {
    return text.starts_with(prefix) && text.size() > prefix.size();
  };
  if (!prefixed("@") && !prefixed("interface:") && !may_be_name(text)) {
    return wrong(text,
                 "is neither keep, peer, if-unroutable, map:A=B nor public:, followed by an "
                 "address, a name, @FILE or interface:NAME");
  }
  rule.source = text;
  return {};
}

Parsed parse_word(std::string_view text, AddressRule& rule) {
  constexpr std::string_view kMap = "map:";
  constexpr std::string_view kPublic = "public:";
  const auto is = [&](AddressWord word) {
    rule.word = word;
    return Parsed{};
  };
  if (text == "keep" || text == "stated") return is(AddressWord::keep);
  if (text == "peer" || text == "auto") return is(AddressWord::peer);
  if (text == "if-unroutable") return is(AddressWord::if_unroutable);
  if (text.starts_with(kMap)) return parse_map(text.substr(kMap.size()), rule);
  if (text.starts_with(kPublic)) text.remove_prefix(kPublic.size());
  return parse_public(text, rule);
}

std::optional<IpAddress> answer_of(const AddressRule& rule, const AddressQuestion& asked) {
  const auto& judged = asked.judged;
  switch (rule.word) {
    case AddressWord::peer: return asked.peer;
    case AddressWord::fixed: return of_family(*rule.to, asked.v6);
    case AddressWord::keep:
      if (!asked.stated || is_unroutable(*asked.stated, asked.seen)) return std::nullopt;
      return asked.stated;
    case AddressWord::if_unroutable:
      if (!judged || is_unroutable(*judged, asked.seen) || is_untranslated(*judged, asked.seen)) {
        return std::nullopt;
      }
      return judged;
    case AddressWord::map:
      if (judged != rule.from) return std::nullopt;
      return of_family(*rule.to, asked.v6);
  }
  return std::nullopt;
}

}  // namespace

Parsed AddressPolicy::add(std::string_view text) {
  AddressRule rule;
  const auto option = last_.name.substr(0, last_.name.find(' '));
  rule.name = option + " " + std::string(text);
  auto word = text;
  if (const auto equals = text.find('='); equals != text.npos) {
    rule.clients = parse_network(text.substr(0, equals));
    if (rule.clients) word = text.substr(equals + 1);
    if (rule.clients && word.empty()) return wrong(text, "lacks a rule behind the network");
  }
  if (const auto parsed = parse_word(word, rule); !parsed) return parsed;
  rules_.push_back(std::move(rule));
  return {};
}

AddressDecision AddressPolicy::decide(const AddressQuestion& question) const {
  for (const auto& rule : rules_) {
    if (rule.clients && !rule.clients->contains(question.client)) continue;
    const auto ip = answer_of(rule, question);
    if (ip && (ip->v6 == question.v6 || rule.word == AddressWord::peer)) return {*ip, rule.name};
  }
  return {question.peer, last_.name};
}

}  // namespace ftpscope
