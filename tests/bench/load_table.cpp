#include "tests/bench/load_table.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <optional>

namespace ftpscope::bench {

namespace {

enum class Against { ratio, difference, nothing };
struct Row {
  const char* test;
  const char* figure;
  const char* what;
  int decimals;
  Against against;
};

constexpr Row kRows[] = {
    {"transfer", "get", "one download, GB/s", 2, Against::ratio},
    {"transfer", "get cpu", "its CPU, s/GB", 3, Against::nothing},
    {"transfer", "put", "one upload, GB/s", 2, Against::ratio},
    {"transfer", "put cpu", "its CPU, s/GB", 3, Against::nothing},
    {"4 transfers", "get", "four downloads at once, GB/s", 2, Against::ratio},
    {"4 transfers", "get cpu", "their CPU, s/GB", 3, Against::nothing},
    {"4 transfers", "put", "four uploads at once, GB/s", 2, Against::ratio},
    {"4 transfers", "put cpu", "their CPU, s/GB", 3, Against::nothing},
    {"commands 1", "rate", "commands a second, 1 session *", 0, Against::ratio},
    {"commands 1", "p50", "a command's latency, p50, us *", 1, Against::difference},
    {"commands 1", "p99", "a command's latency, p99, us *", 1, Against::difference},
    {"commands 50", "rate", "commands a second, 50 sessions *", 0, Against::ratio},
    {"commands 500", "p99", "a command's latency, p99, 500 sessions, us *", 0, Against::ratio},
    {"commands 1", "cpu", "CPU of a command, us, 1 session *", 1, Against::nothing},
    {"commands 10", "cpu", "10 sessions *", 1, Against::nothing},
    {"commands 50", "cpu", "50 sessions *", 1, Against::nothing},
    {"commands 500", "cpu", "500 sessions *", 1, Against::nothing},
    {"commands 1000", "cpu", "1,000 sessions *", 1, Against::nothing},
    {"commands 9500", "cpu", "9,500 sessions *", 1, Against::nothing},
    {"sessions", "rate", "sessions a second, 8 at a time *", 0, Against::ratio},
    {"sessions", "cpu", "CPU of a session, us *", 0, Against::nothing},
    {"idle", "pss", "memory of an idle session, PSS, bytes", 0, Against::nothing},
    {"idle", "rss", "the same, RSS", 0, Against::nothing},
    {"idle", "start", "start until the first 220, ms", 1, Against::nothing},
};

std::optional<double> median(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::optional<double> reading(const Row& row, const Column& column, std::size_t round) {
  const auto test = column.rounds[round].find(row.test);
  if (test == column.rounds[round].end()) return std::nullopt;
  const auto figure = test->second.find(row.figure);
  if (figure == test->second.end()) return std::nullopt;
  return figure->second;
}

// The median over the rounds of what `value` makes of one round's readings of proxy and server.
template <class Value>
std::optional<double> over_rounds(const Row& row, const Column& proxy, const Column& direct,
                                  Value value) {
  std::vector<double> values;
  for (std::size_t i = 0; i < proxy.rounds.size(); ++i) {
    const auto mine = reading(row, proxy, i);
    if (mine) values.push_back(value(*mine, reading(row, direct, i).value_or(0)));
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
std::string cell(const Row& row, const Column& own, const Column& direct) {
  if (own.failed.contains(row.test)) return "failed";
  const bool is_direct = &own == &direct;
  if (is_direct && row.against == Against::nothing) return "-";
  const auto value = [](double mine, double) { return mine; };
  const auto ratio = [](double mine, double base) { return mine / base; };
  const auto added = [](double mine, double base) { return mine - base; };
  auto text = number(over_rounds(row, own, direct, value), row.decimals);
  if (text == "-" || is_direct || row.against == Against::nothing) return text;
  text += row.against == Against::ratio
              ? number(over_rounds(row, own, direct, ratio), 2, " (%.*f)")
              : number(over_rounds(row, own, direct, added), row.decimals, " (%+.*f)");
  return text;
}

}  // namespace

void print_table(const std::vector<Column>& columns) {
  std::cout << "| what |";
  for (const auto& column : columns) std::cout << ' ' << column.name << " |";
  std::cout << "\n| --- |";
  for (std::size_t i = 0; i < columns.size(); ++i) std::cout << " --- |";
  for (const auto& row : kRows) {
    std::cout << "\n| " << row.what << " |";
    for (const auto& own : columns) std::cout << ' ' << cell(row, own, columns.front()) << " |";
  }
  std::cout << '\n' << std::flush;
}

}  // namespace ftpscope::bench
