// Reading a transcript: its settings and what happens in it.
#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>
#include <stdexcept>

#include "tests/transcripts/notation.h"
#include "tests/transcripts/runner.h"

namespace ftpscope::transcripts {

namespace {

Endpoint endpoint_from(const std::string& text) {
  const auto endpoint = parse_endpoint(text);
  if (!endpoint) throw std::runtime_error("not an ADDRESS:PORT: " + text);
  return *endpoint;
}

std::size_t number_from(const std::string& text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw std::runtime_error("not a number: " + text);
  }
  return number;
}

Duration duration_from(const std::string& text) {
  const auto duration = text == "0" ? Duration{} : parse_duration(text);
  if (!duration) throw std::runtime_error("not a time: " + text);
  return *duration;
}

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

template <class T>
T one_of(const std::string& word, const std::map<std::string, T>& choices) {
  const auto found = choices.find(word);
  if (found == choices.end()) throw std::runtime_error("unknown word: " + word);
  return found->second;
}

void add_rule(AddressPolicy& policy, const std::string& text) {
  if (const auto added = policy.add(text); !added) throw std::runtime_error(added.error());
}

using Words = std::vector<std::string>;
using Setter = void (*)(Settings&, const Words&);

// The settings, by the name that the command line gives them where it has them.
const std::map<std::string, Setter> kSetters = {
    {"lines",
     [](Settings& s, const Words& w) {
       s.options.policy.lines =
           one_of<Lines>(w.at(0), {{"raw", Lines::raw}, {"strict", Lines::strict}});
     }},
    {"tls",
     [](Settings& s, const Words& w) {
       s.options.policy.tls = one_of<Tls>(w.at(0), {{"pass", Tls::pass}, {"refuse", Tls::refuse}});
     }},
    {"data-address",
     [](Settings& s, const Words& w) { add_rule(s.options.policy.data_address, w.at(0)); }},
    {"advertise",
     [](Settings& s, const Words& w) { add_rule(s.options.policy.advertise, w.at(0)); }},
    {"advertise-server",
     [](Settings& s, const Words& w) { add_rule(s.options.policy.advertise_server, w.at(0)); }},
    {"server-data",
     [](Settings& s, const Words& w) {
       using enum ServerData;
       std::map<std::string, ServerData> choices;
       for (const auto wish : {same, passive, active, pasv, epsv, lpsv, port, eprt, lprt}) {
         choices.emplace(name_of(wish), wish);
       }
       s.options.policy.server_data = one_of(w.at(0), choices);
     }},
    {"refused-before",
     [](Settings& s, const Words& w) {
       for (const auto& verb : w) s.refused_before.push_back(setup_of_verb(verb).value());
     }},
    {"no-rewriters", [](Settings& s, const Words&) { s.rewriters = false; }},
    {"unconnected", [](Settings& s, const Words&) { s.connected = false; }},
    {"forward",
     [](Settings& s, const Words&) {
       s.forward = true;
       s.connected = false;
       s.server_name = "forward";
     }},
    {"waits", [](Settings& s, const Words&) { s.show_waits = true; }},
    {"records", [](Settings& s, const Words& w) { s.show_kinds = w; }},
    {"json", [](Settings& s, const Words&) { s.show_json = true; }},
    {"log-secrets", [](Settings& s, const Words&) { s.options.limits.log_secrets = true; }},
    {"client", [](Settings& s, const Words& w) { s.client = endpoint_from(w.at(0)); }},
    {"proxy", [](Settings& s, const Words& w) { s.proxy = endpoint_from(w.at(0)); }},
    {"balancer", [](Settings& s, const Words& w) { s.balancer = endpoint_from(w.at(0)); }},
    {"reached", [](Settings& s, const Words& w) { s.reached = endpoint_from(w.at(0)); }},
    {"server", [](Settings& s, const Words& w) { s.server = endpoint_from(w.at(0)); }},
    {"from", [](Settings& s, const Words& w) { s.from = endpoint_from(w.at(0)); }},
    {"max-line",
     [](Settings& s, const Words& w) { s.options.limits.line_max = number_from(w.at(0)); }},
    {"max-reply",
     [](Settings& s, const Words& w) { s.options.limits.reply_max = number_from(w.at(0)); }},
    {"max-reply-lines",
     [](Settings& s, const Words& w) { s.options.limits.reply_lines_max = number_from(w.at(0)); }},
    {"max-in-flight",
     [](Settings& s, const Words& w) { s.options.limits.in_flight_max = number_from(w.at(0)); }},
    {"greeting-timeout",
     [](Settings& s, const Words& w) { s.options.timeouts.greeting = duration_from(w.at(0)); }},
    {"login-timeout",
     [](Settings& s, const Words& w) { s.options.timeouts.login = duration_from(w.at(0)); }},
    {"line-timeout",
     [](Settings& s, const Words& w) { s.options.timeouts.line = duration_from(w.at(0)); }},
    {"idle-timeout",
     [](Settings& s, const Words& w) { s.options.timeouts.idle = duration_from(w.at(0)); }},
    {"keepalive-noop",
     [](Settings& s, const Words& w) { s.options.keepalive_noop = duration_from(w.at(0)); }},
    {"data-connect-timeout",
     [](Settings& s, const Words& w) { s.options.timeouts.data_connect = duration_from(w.at(0)); }},
};

void read_setting(std::string_view text, Settings& settings) {
  auto words = words_of(text);
  if (words.empty()) throw std::runtime_error("an empty setting");
  const auto name = words.front();
  words.erase(words.begin());
  const auto setter = kSetters.find(name);
  if (setter == kSetters.end()) throw std::runtime_error("unknown setting: " + name);
  setter->second(settings, words);
}

// `C> PASV`, `S+ 220-a\n`, `C!> \xf2ABOR`, `C! closed`, all with an optional `1000* ` in front.
Step side_step(std::string_view text, std::size_t times) {
  Step step;
  step.side = text[0] == 'C' ? Side::client : Side::server;
  text.remove_prefix(1);
  if (text == "! closed" || text == "! reset") {
    step.kind = text == "! reset" ? Step::Kind::reset : Step::Kind::closed;
    return step;
  }
  step.kind = Step::Kind::bytes;
  step.urgent = text.starts_with('!');
  if (step.urgent) text.remove_prefix(1);
  const bool line = text.starts_with("> ") || text == ">";
  if (!line && !text.starts_with("+ "))
    throw std::runtime_error("expected >, + or ! behind the side");
  const auto bytes =
      unescaped(text.substr(std::min<std::size_t>(2, text.size()))) + (line ? "\r\n" : "");
  for (std::size_t i = 0; i < times; ++i) step.bytes += bytes;
  return step;
}

Step read_step(std::string_view text) {
  Step step;
  if (text.empty() || text.starts_with("//")) return step;
  if (text.starts_with("+ ")) {
    step.kind = Step::Kind::passes;
    step.time = duration_from(std::string(text.substr(2)));
    return step;
  }
  if (text.starts_with("! ")) {
    step.kind = Step::Kind::happens;
    step.words = words_of(text.substr(2));
    return step;
  }
  std::size_t times = 1;
  if (const auto star = text.find("* "); text[0] >= '0' && text[0] <= '9' && star != text.npos) {
    times = number_from(std::string(text.substr(0, star)));
    text.remove_prefix(star + 2);
  }
  if (text[0] != 'C' && text[0] != 'S') throw std::runtime_error("nothing that happens");
  return side_step(text, times);
}

Settings usual_settings() {
  Settings settings;
  settings.server_name = "ftp.example.org:21";
  settings.client = endpoint_from("203.0.113.50:50000");
  settings.proxy = endpoint_from("203.0.113.7:2121");
  settings.server = endpoint_from("10.0.0.5:21");
  settings.from = endpoint_from("10.0.0.7:41000");
  return settings;
}

}  // namespace

Script parse_script(std::string_view text) {
  Script script{usual_settings(), {}};
  std::istringstream lines{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.starts_with(' ')) continue;  // what came out the last time
    try {
      if (line.starts_with("# ")) read_setting(line.substr(2), script.settings);
      auto step = line.starts_with("# ") ? Step{} : read_step(line);
      step.text = line;
      script.steps.push_back(std::move(step));
    } catch (const std::exception& error) {
      throw std::runtime_error("line " + std::to_string(number) + ": " + line + ": " +
                               error.what());
    }
  }
  return script;
}

}  // namespace ftpscope::transcripts
