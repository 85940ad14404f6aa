// The tests, and how one is taken of one target: in a process, a network and a folder of its own,
// with a fresh server and a fresh proxy. So no test pays for another's, and none can end the run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/load_table.h"

namespace ftpscope::bench {

struct Target {
  std::string name;
  std::string command;        // empty: the server itself
  bool ours = false;          // must do every test that it is given
  bool control_only = false;  // does nothing about data connections
};

struct Sizes {
  double seconds = 1;  // of a reading
  std::uint64_t megabytes = 2048;
  std::size_t idle = 2000;
};

enum class Work { compare, transfer, four_transfers, commands, sessions, idle };
struct Test {
  std::string name;
  Work work;
  bool one_processor;
  std::size_t sessions = 1;

  [[nodiscard]] bool moves_data() const { return work != Work::commands && work != Work::idle; }
};
std::vector<Test> all_tests();  // the first compares bytes, and has no readings

// What one test of one target says. Nothing: it failed, and stderr says why.
std::optional<Readings> measure(const Target& target, const Test& test, const Sizes& sizes);

}  // namespace ftpscope::bench
