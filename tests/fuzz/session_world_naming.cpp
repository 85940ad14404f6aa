// What proxy/README.md promises of --mode forward ("The login names the server").
#include "tests/fuzz/session_addresses.h"
#include "tests/fuzz/session_words.h"
#include "tests/fuzz/session_world.h"

namespace ftpscope::fuzz {

// The client's last command names it.
void World::check_named(const HostPort& named) {
  check(naming() && !commands_.empty(), "the client names its server");
  check(++named_ <= InterceptorOptions::kServersNamedMax, "up to eight a session");
  const auto& command = commands_.back();
  const auto verb = upper(command.verb);
  check(is_one_of(verb, {"USER", "SITE", "OPEN", "HOST"}), "what names a server", command.raw);
  login_.reset();
  if (verb == "USER") login_ = "";
  auto text = std::string_view(command.raw);
  if (!text.ends_with("\r\n") || !is_plain(text.substr(0, text.size() - 2))) return;
  text.remove_suffix(2);
  const auto begin = text.find_first_not_of(' ');
  const auto expected = named_in_login(verb, text.substr(begin + verb.size() + 1));
  check(named.host == expected.host && named.port == expected.port,
        "the server is the one that was named", command.raw);
  if (expected.user) login_ = "USER " + *expected.user + "\r\n";
}

void World::drop_server() {
  effect("drop_server");
  check(naming() && connected_, "a server that has greeted is not dropped");
  const auto server = index(Side::server);
  connecting_ = connected_ = false;
  closed_[server] = close_told_[server] = finished_[server] = false;
  waiting_[server].clear();
  echoed_ = read_[server].size();  // of what it said, nothing is for the client
  greetings_ = 0;
  heard_ = {};
  deeds_ += "drop\n";
}

// "Until then the proxy answers NOOP, HELP and QUIT; PASS and ACCT get 503, anything else 530. AUTH
// TLS before a server is named gets 431." And what no server should get is refused as always.
void World::check_naming_answer(const Logged& command, int code) const {
  const auto verb = upper(command.verb);
  const bool names = is_one_of(verb, {"USER", "SITE", "OPEN", "HOST"});
  if (!naming()) {
    const bool known = !command.rewritten.empty() || verb != "USER";
    check(known || code >= 500, "the server that was taken answers USER", command.raw);
    return;
  }
  const bool guarded =
      world_.rewriters && (code == 500 || code == 501 || code == 521 || code == 522);
  if (guarded) return;
  if (names) return check(code == 530 || code == 501, "it cannot be had", command.raw);
  if (verb == "NOOP") return check(code == 200, "the proxy answers NOOP");
  if (verb == "HELP") return check(code == 214, "the proxy answers HELP");
  if (verb == "QUIT") return check(code == 221, "the proxy answers QUIT");
  if (verb == "PASS" || verb == "ACCT") return check(code == 503, "PASS needs a USER");
  const bool refused = world_.policy.tls == Tls::refuse && world_.rewriters;
  if (verb == "AUTH") return check(code == (refused ? 534 : 431), "TLS needs a server");
  check(code == 530, "anything else gets 530", command.raw);
}

}  // namespace ftpscope::fuzz
