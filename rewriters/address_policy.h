// Which address is used, and which is told: rules in the order of the command line, the first that
// fits decides. Rules are data, the decision is pure. How names, files and interfaces become
// addresses is not known here: proxy/io writes what they are into the rule.
//
// The same words for what a proxy tells (--advertise to clients, --advertise-server to the server)
// and for where it connects (--data-address):
//
//   word           a proxy tells                              a proxy connects to
//   keep           the host that the message names            the host that the message names
//   peer           its own address, as this side knows it     the control connection's other end
//   public:X       X                                          X
//   if-unroutable  peer, unless this side cannot reach it     keep, unless nobody can mean it
//   map:A=B        B, where `peer` would be A                 B, where the message names A
//
// A rule that has no answer (a `public:` without an address of the family that is needed, an
// `if-unroutable` for an address that leads nowhere, a `map` of another one) leaves it to the next;
// behind the last stands `peer`.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/network.h"

namespace ftpscope {

// One address of each family at most.
struct AddressPair {
  std::optional<IpAddress> v4;
  std::optional<IpAddress> v6;

  bool operator==(const AddressPair&) const = default;
};

enum class AddressWord : std::uint8_t { keep, peer, fixed, if_unroutable, map };

struct AddressRule {
  std::string name;  // "--advertise 10.0.0.0/8=peer", for the log
  std::optional<Network> clients;
  AddressWord word = AddressWord::peer;
  IpAddress from;      // of map
  std::string source;  // of fixed, when it may change: a name, @FILE or interface:NAME
  // Of fixed and map. Shared by all copies of the rule, since it may change between two events.
  std::shared_ptr<AddressPair> to = std::make_shared<AddressPair>();
};

// What a decision is about.
struct AddressQuestion {
  IpAddress client;                 // of the session, for rules of a network
  std::optional<IpAddress> stated;  // the host in the message; none: it names none
  IpAddress peer;                   // what the word `peer` means here
  std::optional<IpAddress> judged;  // what `if-unroutable` and `map` look at: `stated` or `peer`
  IpAddress seen;                   // who stated it, or is to reach it, as we see them
  bool v6 = false;                  // the family that can be used
};

// The rule's name lives as long as the policy.
struct AddressDecision {
  IpAddress ip;
  std::string_view rule;
};

class AddressPolicy {
 public:
  explicit AddressPolicy(std::string_view option) { last_.name = std::string(option) + " peer"; }

  // [NETWORK=]keep|peer|if-unroutable|map:A=B|public:X, where X is an address, a name, @FILE or
  // interface:NAME. Also `auto` for peer, `stated` for keep, and X without `public:`. The error is
  // a sentence's end: "'10.0.0.0/8=' lacks a rule behind the network".
  std::expected<void, std::string> add(std::string_view text);

  [[nodiscard]] AddressDecision decide(const AddressQuestion& question) const;
  [[nodiscard]] const std::vector<AddressRule>& rules() const { return rules_; }

 private:
  AddressRule last_;  // behind all others
  std::vector<AddressRule> rules_;
};

}  // namespace ftpscope
