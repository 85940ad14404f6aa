#include "proxy/io/nat_rules_command.h"

#include <algorithm>
#include <iostream>

#include "proxy/io/option_kinds.h"

namespace ftpscope {

namespace {

constexpr auto kFooter = R"(Examples:
  Servers behind this router, clients at lan0: connections to port 21 are redirected
  ftpscope nat rules --mode transparent --listen :2121 --interface lan0 --data-ports 40000-40999 | nft -f -

  The same with all addresses as they are
  ftpscope nat rules --mode transparent:tproxy --listen :2121 --interface lan0 | nft -f -
  ftpscope nat rules --mode transparent:tproxy --listen :2121 --routes | sh -e

  ftpscope at 10.0.0.5 behind this router: a port forward
  ftpscope nat rules --mode reverse:10.0.0.6 --listen 10.0.0.5:2121 --data-ports 40000-40999 | nft -f -

Give the same --mode, --listen and --data-ports to `ftpscope nat`. The rules only bring connections to it: what
your own rules drop or reject stays so. Servers should not have --data-ports as passive ports of their own.)";

// It becomes part of a rule.
void set_interface(std::string& interface, const std::string& text) {
  const auto odd = [](unsigned char c) { return c <= ' ' || c > '~' || c == '"' || c == '/'; };
  if (text.empty() || text.size() > NatRules::kInterfaceMax || std::ranges::any_of(text, odd)) {
    throw CLI::ValidationError("--interface", "needs the name of a network interface, as in eth0");
  }
  interface = text;
}

NatEntrance entrance_of(const ProxyMode& mode, const HostPort& listen) {
  NatEntrance entrance{mode.kind, {}, listen.port};
  if (listen.port == 0) {
    throw CLI::ValidationError("--listen", "needs a port; the rules name it");
  }
  if (listen.host.empty() || listen.host == "*") return entrance;
  entrance.address = parse_ip(listen.host);
  if (!entrance.address) {
    throw CLI::ValidationError("--listen", "needs an address, not a name: the rules have it");
  }
  return entrance;
}

void complete(NatRulesArguments& arguments) {
  const auto& options = arguments.proxy.options;
  auto& rules = arguments.rules;
  const auto ports = options.worker.data_ports;
  rules.data_low = ports.low;
  rules.data_high = ports.high;
  check_modes(options);
  for (const auto& mode : options.modes) {
    rules.entrances.push_back(entrance_of(mode, mode.listen ? *mode.listen : *options.listen));
    if (needs_data_ports(mode.kind) && ports.low == 0) {
      throw CLI::ValidationError(
          "--data-ports", "is required: the ports on which ftpscope listens for data connections");
    }
  }
}

void add_options(CLI::App& command, NatRulesArguments& arguments) {
  add_modes(command, arguments.proxy);
  add_data_ports(command, arguments.proxy.options.worker.data_ports);
  auto& rules = arguments.rules;
  command
      .add_option_function<std::string>(
          "--interface",
          [&rules](const std::string& text) { set_interface(rules.interface, text); },
          "where the clients are (default: everywhere)")
      ->type_name("NAME");
  add_count(command, "--ftp-port", rules.ftp_port, "the port that clients connect to", 1, 65535);
  add_count(command, "--mark", rules.mark, "TPROXY: mark of packets, number of the routing table",
            1, (std::size_t{1} << 32U) - 1);
  command.add_flag("--routes", arguments.routes,
                   "print the routes that TPROXY needs as well, for sh");
  command.callback([&arguments] { complete(arguments); });
}

}  // namespace

CLI::App* add_nat_rules(CLI::App& nat, NatRulesArguments& arguments) {
  return add_command(nat, "rules", "print the nftables ruleset that brings clients to ftpscope nat",
                     kFooter, [&arguments](CLI::App& rules) { add_options(rules, arguments); });
}

int run_nat_rules(const NatRulesArguments& arguments) {
  const auto& rules = arguments.rules;
  std::cout << (arguments.routes ? routing_script(rules) : nft_ruleset(rules)) << std::flush;
  return std::cout ? 0 : 1;
}

}  // namespace ftpscope
