#include "proxy/io/option_kinds.h"

#include <cmath>

#include "analyzer/address_rules.h"

namespace ftpscope {

namespace {

void set_data_ports(PortRange& range, const std::string& text) {
  const auto dash = text.find('-');
  const auto low = parse_port(std::string_view(text).substr(0, dash));
  const auto high = dash == text.npos ? low : parse_port(std::string_view(text).substr(dash + 1));
  if (!low || !high || *low < kFirstUnreservedPort || *high < *low) {
    throw CLI::ValidationError("--data-ports",
                               "needs two ports of 1024 or more, as in 40000-40999");
  }
  range = {*low, *high};
}

}  // namespace

CLI::Option* add_seconds(CLI::App& app, const std::string& name, Duration& value,
                         const std::string& description) {
  const auto set = [&value, name](const double& seconds) {
    constexpr double kMost = 1e9;
    if (std::isnan(seconds) || seconds < 0 || seconds > kMost) {
      throw CLI::ValidationError(name, "needs a number of seconds from 0 to 1000000000");
    }
    value = Duration(std::llround(seconds * 1e6));
  };
  const auto seconds = static_cast<double>(value.count()) / 1e6;
  return app.add_option_function<double>(name, set, description)
      ->type_name("SECONDS")
      ->default_str(CLI::detail::to_string(seconds));
}

void add_address(CLI::App& app, const std::string& name, HostPort& value, std::uint16_t port,
                 const std::string& description) {
  const auto set = [&value, name, port](const std::string& text) {
    auto parsed = parse_host_port(text, port);
    if (!parsed) throw CLI::ValidationError(name, parsed.error());
    value = *parsed;
  };
  app.add_option_function<std::string>(name, set, description)
      ->required()
      ->type_name(port == 0 ? "ADDRESS:PORT" : "HOST[:PORT]");
}

CLI::Option* add_address_rules(CLI::App& app, const std::string& name, AddressPolicy& policy,
                               const std::string& description) {
  const auto set = [&policy, name](const std::vector<std::string>& rules) {
    for (const auto& rule : rules) {
      if (const auto added = policy.add(rule); !added) {
        throw CLI::ValidationError(name, added.error());
      }
    }
  };
  return app.add_option_function<std::vector<std::string>>(name, set, description)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("RULE")
      ->default_str("peer");
}

CLI::Option* add_data_ports(CLI::App& app, PortRange& range) {
  return app
      .add_option_function<std::string>(
          "--data-ports", [&range](const std::string& text) { set_data_ports(range, text); },
          "ports to listen on for data connections (default: the kernel chooses)")
      ->type_name("LOW-HIGH");
}

}  // namespace ftpscope
