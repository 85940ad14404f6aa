// Kinds of options that several subcommands have.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "analyzer/record.h"
#include "proxy/io/payload_files.h"
#include "proxy/io/port_range.h"
#include "proxy/io/socket_address.h"
#include "rewriters/address_policy.h"

namespace ftpscope {

// Adds a subcommand. Its options are made when it is on the command line, before its arguments are
// read: those of all subcommands would take a millisecond of each start.
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& footer, std::function<void(CLI::App&)> add_options);

// A whole number from `least` to `most`.
template <class T>
CLI::Option* add_count(CLI::App& app, const std::string& name, T& value,
                       const std::string& description, std::size_t least, std::size_t most) {
  return app.add_option(name, value, description)
      ->capture_default_str()
      ->check(CLI::Range(least, most).description(""))
      ->type_name("N");
}

// One of a few words; the default is what `value` is now.
template <class Enum>
CLI::Option* add_choice(CLI::App& app, const std::string& name, Enum& value,
                        std::initializer_list<std::pair<std::string, Enum>> choices,
                        const std::string& description) {
  std::string names;
  std::vector<std::string> words;
  std::string standard;
  for (const auto& [word, meaning] : choices) {
    names += (names.empty() ? "" : "|") + word;
    words.push_back(word);
    if (meaning == value) standard = word;
  }
  const std::vector<std::pair<std::string, Enum>> all(choices);
  const auto set = [&value, all](const std::string& text) {
    for (const auto& [word, meaning] : all) {
      if (word == text) value = meaning;
    }
  };
  return app.add_option_function<std::string>(name, set, description)
      ->check(CLI::IsMember(words).description(""))
      ->default_str(standard)
      ->type_name(names);
}

// From 0 to a milliard, fractions allowed.
CLI::Option* add_seconds(CLI::App& app, const std::string& name, Duration& value,
                         const std::string& description);

// Required. `port`: what is taken when none is given; 0: one must be given.
void add_address(CLI::App& app, const std::string& name, HostPort& value, std::uint16_t port,
                 const std::string& description);

// Rules of an AddressPolicy, one an argument.
CLI::Option* add_address_rules(CLI::App& app, const std::string& name, AddressPolicy& policy,
                               const std::string& description);

// LOW-HIGH, or one port.
CLI::Option* add_data_ports(CLI::App& app, PortRange& range);

// LISTEN_LOW-HIGH=TOLD_LOW. Without --data-ports these are the data ports.
CLI::Option* add_port_map(CLI::App& app, PortMap& map);

// N or `any`, which is 0.
CLI::Option* add_source_port(CLI::App& app, std::uint16_t& port);

inline void add_record_limits(CLI::App& app, RecordLimits& limits, const std::string& group) {
  constexpr std::size_t kMany = std::size_t{1} << 50U;
  add_count(app, "--record-limit", limits.payload,
            "bytes recorded of one payload; the rest is transferred and not recorded", 0, kMany)
      ->group(group);
  add_count(app, "--record-total", limits.total, "bytes recorded of all payloads", 0, kMany)
      ->group(group);
}

}  // namespace ftpscope
