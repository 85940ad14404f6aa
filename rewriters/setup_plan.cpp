#include "rewriters/setup_plan.h"

#include <algorithm>
#include <vector>

namespace ftpscope {

namespace {

// The one form that is wished for; none: it depends on what the client asked for.
std::optional<Setup> wished_form(ServerData wish) {
  switch (wish) {
    case ServerData::pasv: return Setup::pasv;
    case ServerData::epsv: return Setup::epsv;
    case ServerData::lpsv: return Setup::lpsv;
    case ServerData::port: return Setup::port;
    case ServerData::eprt: return Setup::eprt;
    case ServerData::lprt: return Setup::lprt;
    case ServerData::same:
    case ServerData::passive:
    case ServerData::active: return std::nullopt;
  }
  return std::nullopt;
}

bool wants_passive(ServerData wish, Setup asked) {
  if (const auto form = wished_form(wish)) return form_of(*form).passive;
  return wish == ServerData::same ? form_of(asked).passive : wish == ServerData::passive;
}

std::vector<Setup> in_order_of_choice(ServerData wish, Setup asked) {
  const bool passive = wants_passive(wish, asked);
  std::vector<Setup> choices;
  if (const auto form = wished_form(wish)) {
    choices.push_back(*form);
  } else if (form_of(asked).passive == passive) {
    choices.push_back(asked);
  }
  choices.push_back(passive ? Setup::pasv : Setup::port);
  choices.push_back(passive ? Setup::epsv : Setup::eprt);
  return choices;
}

}  // namespace

std::string_view name_of(ServerData server_data) {
  switch (server_data) {
    case ServerData::same: return "same";
    case ServerData::passive: return "passive";
    case ServerData::active: return "active";
    case ServerData::pasv: return "pasv";
    case ServerData::epsv: return "epsv";
    case ServerData::lpsv: return "lpsv";
    case ServerData::port: return "port";
    case ServerData::eprt: return "eprt";
    case ServerData::lprt: return "lprt";
  }
  return {};
}

bool mixed_families(const SessionState& state) { return state.client_ip.v6 != state.server_ip.v6; }

bool may_translate(ServerData wish, const SessionState& state) {
  return wish != ServerData::same || mixed_families(state);
}

bool translates(ServerData wish, const SessionState& state) {
  return may_translate(wish, state) && !state.translation_off;
}

SetupPlan plan_setup(ServerData wish, Setup asked, const SessionState& state) {
  if (!translates(wish, state)) return {asked, std::nullopt};
  auto choices = in_order_of_choice(wish, asked);
  std::erase_if(choices, [&](Setup s) { return state.server_ip.v6 && form_of(s).ipv4_only; });
  const auto known = [&](Setup s) { return state.refused_setups.test(index_of(s)); };
  if (!std::ranges::all_of(choices, known)) std::erase_if(choices, known);
  SetupPlan plan{choices.front(), std::nullopt};
  const auto other = std::ranges::find_if(choices, [&](Setup s) { return s != plan.first; });
  if (other != choices.end()) plan.fallback = *other;
  return plan;
}

}  // namespace ftpscope
