// Kinds of options that several subcommands have.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>

namespace ftpscope {

// A whole number from `least` to `most`.
template <class T>
CLI::Option* add_count(CLI::App& app, const std::string& name, T& value,
                       const std::string& description, std::size_t least, std::size_t most) {
  return app.add_option(name, value, description)
      ->capture_default_str()
      ->check(CLI::Range(least, most).description(""))
      ->type_name("N");
}

}  // namespace ftpscope
