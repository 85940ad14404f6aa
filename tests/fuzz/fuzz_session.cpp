// A whole session through the Interceptor, in a world made of memory (session_world.h).
//
// Input: three bytes of options, then steps with 0x1e between them. A step is a letter and its
// text, so that an input can be read and written by hand:
//   c s TEXT  the client, the server sends TEXT        C S  it closes        R r  its connection is
//   reset u v TEXT  the same, the first byte urgent          t X  time passes: X chooses how much
//   e f       an address is exposed, cannot be exposed   o  a data channel opens    n  a stranger
//   comes d X       one side of it has delivered all           q  it is quiet             z X  it
//   is closed k K       the server is connected, cannot be reached h  the proxy is to stop
#include "tests/fuzz/session_world.h"

namespace ftpscope::fuzz {
namespace {

enum class Start { connected, later, refused };

struct Script {
  WorldOptions options;
  Start start = Start::connected;
  std::string steps;
};

Script read_script(Input& input) {
  Script script;
  const auto a = input.byte();
  const auto b = input.byte();
  const auto c = input.byte();
  auto& o = script.options;
  o.rewriters = (a & 1U) == 0;
  o.policy.lines = (a & 2U) != 0 ? Lines::strict : Lines::raw;
  o.policy.tls = (a & 4U) != 0 ? Tls::refuse : Tls::pass;
  if ((a & 8U) != 0) check(o.policy.data_address.add("keep").has_value(), "a rule");
  o.log_secrets = (a & 16U) != 0;
  o.v6 = (b & 1U) != 0;
  o.one_host = (b & 2U) != 0;
  o.exposes_v6 = (b & 4U) != 0;
  o.exposes_at_once = (b & 8U) == 0;
  o.small_limits = (b & 16U) != 0;
  o.timeouts = (c & 1U) == 0;
  o.eager = !o.timeouts;
  script.start = (c & 6U) != 6 ? Start::connected : (c & 8U) != 0 ? Start::later : Start::refused;
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
    case 'C': world.close(Side::client); break;
    case 'S': world.close(Side::server); break;
    case 'R': world.break_off(Side::client); break;
    case 'r': world.break_off(Side::server); break;
    case 'h': world.shutdown(); break;
    default: world.send(Side::client, step, false); break;
  }
}

void play(World& world, const Script& script) {
  if (script.start == Start::refused) {
    world.refused();
  } else {
    world.start(script.start == Start::connected);
  }
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
