#include "tests/bench/load_table.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <optional>

namespace ftpscope::bench {

namespace {

enum class Against { ratio, difference, nothing };
struct Row {
  const char* reading;
  const char* what;
  int decimals;
  Against against;
};

constexpr Row kRows[] = {
    {"get", "one download, GB/s", 2, Against::ratio},
    {"get cpu", "its CPU, s/GB", 3, Against::nothing},
    {"put", "one upload, GB/s", 2, Against::ratio},
    {"put cpu", "its CPU, s/GB", 3, Against::nothing},
    {"one", "commands a second, 1 session *", 0, Against::ratio},
    {"one cpu", "its CPU, us a command", 1, Against::nothing},
    {"p50", "a command's latency, p50, us *", 1, Against::difference},
    {"p99", "a command's latency, p99, us *", 1, Against::difference},
    {"many", "commands a second, 50 sessions *", 0, Against::ratio},
    {"many cpu", "its CPU, us a command", 1, Against::nothing},
    {"session", "sessions a second, 8 at a time *", 0, Against::ratio},
    {"session cpu", "its CPU, us a session", 0, Against::nothing},
    {"idle pss", "memory of an idle session, PSS, bytes", 0, Against::nothing},
    {"idle rss", "the same, RSS", 0, Against::nothing},
    {"start", "start until the first 220, ms", 1, Against::nothing},
};

std::optional<double> median(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// The median over the rounds of what `value` makes of one round's readings of proxy and server.
template <class Value>
std::optional<double> over_rounds(const Row& row, const Rounds& proxy, const Rounds& direct,
                                  Value value) {
  std::vector<double> values;
  for (std::size_t i = 0; i < proxy.size(); ++i) {
    const auto mine = proxy[i].find(row.reading);
    const auto base = direct[i].find(row.reading);
    if (mine == proxy[i].end()) continue;
    values.push_back(value(mine->second, base == direct[i].end() ? 0 : base->second));
  }
  return median(values);
}

std::string number(std::optional<double> value, int decimals, const char* format = "%.*f") {
  if (!value) return "-";
  char text[64];
  std::snprintf(text, sizeof text, format, decimals, *value);
  return text;
}

// What stands in the table for a proxy, or for the server itself.
std::string cell(const Row& row, const Rounds& own, const Rounds& direct) {
  const bool is_direct = &own == &direct;
  if (is_direct && row.against == Against::nothing) return "-";
  const auto value = [](double mine, double) { return mine; };
  const auto ratio = [](double mine, double base) { return mine / base; };
  const auto added = [](double mine, double base) { return mine - base; };
  auto text = number(over_rounds(row, own, direct, value), row.decimals);
  if (is_direct || row.against == Against::nothing) return text;
  text += row.against == Against::ratio
              ? number(over_rounds(row, own, direct, ratio), 2, " (%.*f)")
              : number(over_rounds(row, own, direct, added), row.decimals, " (%+.*f)");
  return text;
}

}  // namespace

void print_table(const std::vector<std::string>& names, const std::vector<Rounds>& all) {
  std::cout << "| what |";
  for (const auto& name : names) std::cout << ' ' << name << " |";
  std::cout << "\n| --- |";
  for (std::size_t i = 0; i < names.size(); ++i) std::cout << " --- |";
  for (const auto& row : kRows) {
    std::cout << "\n| " << row.what << " |";
    for (const auto& own : all) std::cout << ' ' << cell(row, own, all.front()) << " |";
  }
  std::cout << '\n' << std::flush;
}

}  // namespace ftpscope::bench
