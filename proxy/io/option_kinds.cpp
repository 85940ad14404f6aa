#include "proxy/io/option_kinds.h"

#include <cmath>
#include <limits>

#include "analyzer/address_rules.h"

namespace ftpscope {

namespace {

std::optional<PortRange> parse_range(std::string_view text) {
  const auto dash = text.find('-');
  const auto low = parse_port(text.substr(0, dash));
  const auto high = dash == text.npos ? low : parse_port(text.substr(dash + 1));
  if (!low || !high || *low < kFirstUnreservedPort || *high < *low) return std::nullopt;
  return PortRange{*low, *high};
}

void set_data_ports(PortRange& range, const std::string& text) {
  const auto parsed = parse_range(text);
  if (!parsed) {
    throw CLI::ValidationError("--data-ports",
                               "needs two ports of 1024 or more, as in 40000-40999");
  }
  range = *parsed;
}

void set_port_map(PortMap& map, std::string_view text) {
  const auto equals = text.find('=');
  const auto listened = parse_range(text.substr(0, equals));
  const auto told = equals == text.npos ? std::nullopt : parse_port(text.substr(equals + 1));
  if (!listened || !told || *told < kFirstUnreservedPort) {
    throw CLI::ValidationError("--port-map",
                               "needs ports of 1024 or more, as in 40000-40099=50000");
  }
  if (*told + listened->high - listened->low > std::numeric_limits<std::uint16_t>::max()) {
    throw CLI::ValidationError("--port-map", "tells clients ports above 65535");
  }
  map = {*listened, *told};
}

void set_source_port(std::uint16_t& port, const std::string& text) {
  const auto parsed = text == "any" ? std::optional<std::uint16_t>(0) : parse_port(text);
  if (!parsed || (*parsed == 0 && text != "any")) {
    throw CLI::ValidationError("--active-source-port", "needs a port, as in 20, or any");
  }
  port = *parsed;
}

}  // namespace

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& footer, std::function<void(CLI::App&)> add_options) {
  auto* command = app.add_subcommand(name, description);
  command->footer(footer);
  command->preparse_callback(
      [command, add_options = std::move(add_options)](std::size_t) { add_options(*command); });
  return command;
}

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

CLI::Option* add_port_map(CLI::App& app, PortMap& map) {
  return app
      .add_option_function<std::string>(
          "--port-map", [&map](const std::string& text) { set_port_map(map, text); },
          "listen for clients' data on some ports and tell others, which a container or\n"
          "load balancer in front maps to them one to one: LOW-HIGH=TOLD_LOW")
      ->type_name("MAP");
}

CLI::Option* add_source_port(CLI::App& app, std::uint16_t& port) {
  return app
      .add_option_function<std::string>(
          "--active-source-port", [&port](const std::string& text) { set_source_port(port, text); },
          "the source port of data connections to clients that use PORT or EPRT;\n"
          "20 is what old firewalls expect, and needs root at the start")
      ->default_str("any")
      ->type_name("N|any");
}

}  // namespace ftpscope
