// Kinds of options that several subcommands have.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>

#include "proxy/io/payload_files.h"

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

inline void add_record_limits(CLI::App& app, RecordLimits& limits, const std::string& group) {
  constexpr std::size_t kMany = std::size_t{1} << 50U;
  add_count(app, "--record-limit", limits.payload,
            "bytes recorded of one payload; the rest is transferred and not recorded", 0, kMany)
      ->group(group);
  add_count(app, "--record-total", limits.total, "bytes recorded of all payloads", 0, kMany)
      ->group(group);
}

}  // namespace ftpscope
