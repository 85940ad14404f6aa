// A whole session through the Interceptor, in a world made of memory (session_world.h).
//
// Input: four bytes of options, then steps with 0x1e between them. A step is a letter and its
// text, so that an input can be read and written by hand:
//   c s TEXT  the client, the server sends TEXT
//   u v TEXT  the same, the first byte urgent
//   C S       it closes
//   R r       its connection is reset
//   k K       a server is connected, cannot be reached
//   x p       the one that was named is forbidden; one of several is passed over
//   t X       time passes: X chooses how much
//   e f       an address is exposed, cannot be exposed
//   o         a data channel opens
//   n         a stranger comes
//   d X       one side of it has delivered all
//   q         it is quiet
//   z X       it is closed
//   h         the proxy is to stop
#include "tests/fuzz/session_world.h"

namespace ftpscope::fuzz {
namespace {

struct Script {
  WorldOptions options;
  bool refused = false;  // the client
  std::string steps;
};

void add(AddressPolicy& policy, std::string_view rule) {
  check(policy.add(rule).has_value(), "a rule");
}

void read_policy(unsigned a, unsigned d, Policy& policy) {
  policy.lines = (a & 2U) != 0 ? Lines::strict : Lines::raw;
  policy.tls = (a & 4U) != 0 ? Tls::refuse : Tls::pass;
  if ((a & 8U) != 0) add(policy.data_address, "keep");
  for (const auto i : {0, 1}) {
    if ((a & 32U) == 0) break;
    add(policy.advertise, kTold[i]);
    add(policy.advertise_server, kToldServer[i]);
  }
  constexpr unsigned kChoices = static_cast<unsigned>(ServerData::lprt) + 1;
  policy.server_data = static_cast<ServerData>((d & 15U) % kChoices);
}

Script read_script(Input& input) {
  Script script;
  const auto a = input.byte();
  const auto b = input.byte();
  const auto c = input.byte();
  const auto d = input.byte();
  auto& o = script.options;
  read_policy(a, d, o.policy);
  o.rewriters = (a & 1U) == 0;
  o.log_secrets = (a & 16U) != 0;
  o.advertises = (a & 32U) != 0;
  o.v6 = (b & 1U) != 0;
  o.one_host = (b & 2U) != 0;
  o.exposes_v6 = (b & 4U) != 0;
  o.exposes_at_once = (b & 8U) == 0;
  o.small_limits = (b & 16U) != 0;
  o.mixed_families = (b & 32U) != 0;
  o.timeouts = (c & 1U) == 0;
  o.eager = !o.timeouts;
  o.connects_at_once = (c & 6U) != 6;
  script.refused = !o.connects_at_once && (c & 8U) == 0;
  o.knows_refusal = (c & 16U) != 0;
  o.noops = (d & 16U) != 0;
  o.login_names_server = (d & 32U) != 0;
  script.steps = input.rest();
  return script;
}

Duration time_of(char choice) {
  using namespace std::chrono_literals;
  constexpr Duration kTimes[] = {1ms, 100ms, 200ms, 250ms, 2s, 10s, 30s, 60s, 900s, 3600s};
  return kTimes[static_cast<unsigned char>(choice) % 10U];
}

void take_step(World& world, std::string_view step) {
  if (step.empty()) return;
  const auto text = step.substr(1);
  const char choice = text.empty() ? '\0' : text.front();
  const bool oldest = (choice & 1) != 0;
  const auto side = (choice & 2) != 0 ? Side::client : Side::server;
  switch (step.front()) {
    case 'c': world.send(Side::client, text, false); break;
    case 's': world.send(Side::server, text, false); break;
    case 'u': world.send(Side::client, text, true); break;
    case 'v': world.send(Side::server, text, true); break;
    case 't': world.pass_time(time_of(choice)); break;
    case 'e': world.expose(true, oldest); break;
    case 'f': world.expose(false, oldest); break;
    case 'o': world.open_channel(oldest); break;
    case 'd': world.drain_channel(oldest, side); break;
    case 'q': world.quiet_channel(oldest); break;
    case 'z':
      world.close_channel_by(oldest, static_cast<ChannelEnd>((choice >> 2 & 31) % 5), side);
      break;
    case 'n': world.stranger(oldest); break;
    case 'k': world.server_connected(); break;
    case 'K': world.server_unreachable(); break;
    case 'x': world.server_forbidden(); break;
    case 'p': world.server_passed_over(); break;
    case 'C': world.close(Side::client); break;
    case 'S': world.close(Side::server); break;
    case 'R': world.break_off(Side::client); break;
    case 'r': world.break_off(Side::server); break;
    case 'h': world.shutdown(); break;
    default: world.send(Side::client, step, false); break;
  }
}

void play(World& world, const Script& script) {
  script.refused ? world.refused() : world.start();
  Input steps(reinterpret_cast<const std::uint8_t*>(script.steps.data()), script.steps.size());
  while (!steps.empty()) take_step(world, steps.until('\x1e'));
  world.finish();
}

}  // namespace
}  // namespace ftpscope::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ftpscope;
  using namespace ftpscope::fuzz;
  Input input(data, size);
  auto script = read_script(input);
  World world(script.options);
  play(world, script);
  if (script.options.timeouts) return 0;
  // The same bytes one by one. (Timeouts apart: a timeout may tell when the bytes of a line came.)
  script.options.byte_by_byte = true;
  World slow(script.options);
  play(slow, script);
  check(slow.log() == world.log(), "no cut makes a difference to the log", slow.log());
  check(slow.deeds() == world.deeds(), "no cut makes a difference to what is done", slow.deeds());
  for (const auto side : {Side::client, Side::server}) {
    check(slow.sent(side) == world.sent(side), "no cut makes a difference to what is sent",
          slow.sent(side));
  }
  return 0;
}
