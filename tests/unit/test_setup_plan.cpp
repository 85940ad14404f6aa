// What the server is asked for: each client form x each wish x each pair of families.
#include <doctest/doctest.h>

#include <array>
#include <string>

#include "rewriters/setup_plan.h"

namespace ftpscope {

namespace {

SessionState between(bool client_v6, bool server_v6) {
  SessionState state;
  state.client_ip = parse_ip(client_v6 ? "2001:db8::50" : "203.0.113.50").value();
  state.server_ip = parse_ip(server_v6 ? "2001:db8:1::5" : "10.0.0.5").value();
  return state;
}

// "PASV EPSV": the first, and the fallback.
std::string text_of(const SetupPlan& plan) {
  std::string text(form_of(plan.first).verb);
  if (plan.fallback) text.append(" ").append(form_of(*plan.fallback).verb);
  return text;
}

constexpr auto kAsked = std::to_array<Setup>(
    {Setup::port, Setup::eprt, Setup::lprt, Setup::pasv, Setup::epsv, Setup::lpsv});

struct Row {
  ServerData wish;
  std::array<std::string_view, 6> plans;  // for PORT, EPRT, LPRT, PASV, EPSV, LPSV
};

void check(const SessionState& state, std::span<const Row> rows) {
  for (const auto& [wish, plans] : rows) {
    for (std::size_t i = 0; i < kAsked.size(); ++i) {
      INFO(name_of(wish) << " " << form_of(kAsked[i]).verb);
      CHECK(text_of(plan_setup(wish, kAsked[i], state)) == plans[i]);
    }
  }
}

using enum ServerData;

// clang-format off
constexpr auto kToIpv4 = std::to_array<Row>({
    {passive, {"PASV EPSV", "PASV EPSV", "PASV EPSV", "PASV EPSV", "EPSV PASV", "LPSV PASV"}},
    {active,  {"PORT EPRT", "EPRT PORT", "LPRT PORT", "PORT EPRT", "PORT EPRT", "PORT EPRT"}},
    {pasv,    {"PASV EPSV", "PASV EPSV", "PASV EPSV", "PASV EPSV", "PASV EPSV", "PASV EPSV"}},
    {epsv,    {"EPSV PASV", "EPSV PASV", "EPSV PASV", "EPSV PASV", "EPSV PASV", "EPSV PASV"}},
    {lpsv,    {"LPSV PASV", "LPSV PASV", "LPSV PASV", "LPSV PASV", "LPSV PASV", "LPSV PASV"}},
    {port,    {"PORT EPRT", "PORT EPRT", "PORT EPRT", "PORT EPRT", "PORT EPRT", "PORT EPRT"}},
    {eprt,    {"EPRT PORT", "EPRT PORT", "EPRT PORT", "EPRT PORT", "EPRT PORT", "EPRT PORT"}},
    {lprt,    {"LPRT PORT", "LPRT PORT", "LPRT PORT", "LPRT PORT", "LPRT PORT", "LPRT PORT"}},
});
constexpr auto kToIpv6 = std::to_array<Row>({
    {passive, {"EPSV", "EPSV", "EPSV", "EPSV", "EPSV", "LPSV EPSV"}},
    {active,  {"EPRT", "EPRT", "LPRT EPRT", "EPRT", "EPRT", "EPRT"}},
    {pasv,    {"EPSV", "EPSV", "EPSV", "EPSV", "EPSV", "EPSV"}},
    {epsv,    {"EPSV", "EPSV", "EPSV", "EPSV", "EPSV", "EPSV"}},
    {lpsv,    {"LPSV EPSV", "LPSV EPSV", "LPSV EPSV", "LPSV EPSV", "LPSV EPSV", "LPSV EPSV"}},
    {port,    {"EPRT", "EPRT", "EPRT", "EPRT", "EPRT", "EPRT"}},
    {eprt,    {"EPRT", "EPRT", "EPRT", "EPRT", "EPRT", "EPRT"}},
    {lprt,    {"LPRT EPRT", "LPRT EPRT", "LPRT EPRT", "LPRT EPRT", "LPRT EPRT", "LPRT EPRT"}},
});
constexpr auto kSame = std::to_array<Row>({
    {same,    {"PORT", "EPRT", "LPRT", "PASV", "EPSV", "LPSV"}},
});
constexpr auto kSame4To6 = std::to_array<Row>({
    {same,    {"EPRT", "EPRT", "LPRT EPRT", "EPSV", "EPSV", "LPSV EPSV"}},
});
constexpr auto kSame6To4 = std::to_array<Row>({
    {same,    {"PORT EPRT", "EPRT PORT", "LPRT PORT", "PASV EPSV", "EPSV PASV", "LPSV PASV"}},
});
// clang-format on

}  // namespace

TEST_SUITE_BEGIN("setup plan");

TEST_CASE("each wish, for each form that a client may speak") {
  for (const bool client_v6 : {false, true}) {
    check(between(client_v6, false), kToIpv4);
    check(between(client_v6, true), kToIpv6);
  }
}

TEST_CASE("same: one for one, unless the families differ") {
  check(between(false, false), kSame);
  check(between(true, true), kSame);
  check(between(false, true), kSame4To6);
  check(between(true, false), kSame6To4);
}

TEST_CASE("what the server refused is not asked for, while there is something else") {
  auto state = between(false, false);
  state.refused_setups.set(index_of(Setup::epsv));
  CHECK(text_of(plan_setup(epsv, Setup::pasv, state)) == "PASV");
  CHECK(text_of(plan_setup(lpsv, Setup::pasv, state)) == "LPSV PASV");
  state.refused_setups.set(index_of(Setup::pasv));
  CHECK(text_of(plan_setup(epsv, Setup::pasv, state)) == "EPSV PASV");
  state = between(false, true);
  state.refused_setups.set(index_of(Setup::epsv));
  CHECK(text_of(plan_setup(passive, Setup::pasv, state)) == "EPSV");
}

TEST_CASE("a client may switch it off (RFC 6384 11)") {
  auto state = between(true, false);
  state.translation_off = true;
  check(state, kSame);
  CHECK(text_of(plan_setup(pasv, Setup::epsv, state)) == "EPSV");
}

TEST_SUITE_END();

}  // namespace ftpscope
