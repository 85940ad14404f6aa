// `ftpscope nat rules`: prints the nftables ruleset that brings clients to `ftpscope nat`.
#pragma once

#include "proxy/io/proxy_options.h"
#include "proxy/nat_rules.h"

namespace CLI {
class App;
}

namespace ftpscope {

struct NatRulesArguments {
  ProxyArguments proxy;  // of these: the modes, where they listen, the data ports
  NatRules rules;        // complete when the command line has been parsed
  bool routes = false;   // print the routes of TPROXY instead
};

// Its part of the command line; `arguments` has to outlive the parsing.
CLI::App* add_nat_rules(CLI::App& nat, NatRulesArguments& arguments);

// Prints and returns the exit code.
int run_nat_rules(const NatRulesArguments& arguments);

}  // namespace ftpscope
