#include "proxy/io/destination_options.h"

#include <CLI/CLI.hpp>

namespace ftpscope {

namespace {

CLI::Option* add_rules(CLI::App& app, const std::string& name, std::vector<DestinationRule>& rules,
                       const std::string& description) {
  const auto add = [&rules, name](const std::vector<std::string>& texts) {
    for (const auto& text : texts) {
      auto parsed = parse_destination_rule(text);
      if (!parsed) throw CLI::ValidationError(name, parsed.error());
      rules.push_back(std::move(*parsed));
    }
  };
  return app.add_option_function<std::vector<std::string>>(name, add, description)
      ->allow_extra_args(false)
      ->type_name("NETWORK|NAME[:PORTS]");
}

}  // namespace

void add_destinations(CLI::App& app, DestinationPolicy& policy, const std::string& group) {
  add_rules(app, "--allow-server", policy.allow,
            "servers that a client may name (mode forward), and then no others:\n"
            "10.0.0.0/8, *.example.org:2121, *:1024-65535; as often as needed")
      ->group(group);
  add_rules(app, "--deny-server", policy.deny, "servers that it may not name, also if allowed")
      ->group(group);
}

}  // namespace ftpscope
