// What proxy/README.md promises of --keepalive-noop ("Long sessions").
#include <algorithm>

#include "tests/fuzz/session_words.h"
#include "tests/fuzz/session_world.h"

namespace ftpscope::fuzz {

namespace {

constexpr auto kPatience = std::chrono::seconds(5);    // behind the transfer's final reply
constexpr auto kHeldAtMost = std::chrono::seconds(2);  // that reply, for its data

bool is_transfer(std::string_view verb) {
  return is_one_of(verb, {"RETR", "STOR", "STOU", "APPE", "LIST", "NLST", "MLSD"});
}

}  // namespace

// The transfer that has begun and has not ended. (What the pairing has passed over waits no more.)
const World::Logged* World::running_transfer() const {
  for (std::size_t i = last_answered_ > 0 ? last_answered_ - 1 : 0; i < commands_.size(); ++i) {
    const auto& command = commands_[i];
    if (command.waits() && command.preliminary && is_transfer(command.verb)) return &command;
  }
  return nullptr;
}

// The client's, for sure.
std::size_t World::waiting_commands() const {
  const auto first = static_cast<std::ptrdiff_t>(last_answered_ > 0 ? last_answered_ - 1 : 0);
  return static_cast<std::size_t>(
      std::count_if(commands_.begin() + first, commands_.end(), [](const Logged& command) {
        return command.waits() && !command.by_proxy && !command.may_stay_unanswered();
      }));
}

void World::check_noop_may_be_said() const {
  check(world_.noops, "a NOOP of ours is asked for");
  check(!opaque_ && !noops_given_up_, "no NOOP where it is of no use");
  check(running_transfer() && waiting_commands() == 1,
        "a NOOP is said while a transfer runs and nothing else waits");
  check(now_ - last_exchange_ >= options_.keepalive_noop, "a NOOP is for a quiet connection");
}

// "The client's next command waits until then, so that its reply is not taken for NOOP's; ABOR,
// STAT and QUIT do not wait."
void World::check_may_speak(const Logged& command) const {
  const bool waits = !noops_.empty() && !noops_given_up_ && !close_told_[index(Side::server)];
  const bool now = is_one_of(command.verb, {"ABOR", "STAT", "QUIT"});
  const bool whole = command.raw.ends_with('\n');
  check(!waits || now || !whole, "the client's next command waits for NOOP's reply", command.raw);
}

void World::check_noop_reply(const record::Reply& body) {
  check(!noops_.empty() && body.to == noops_.front(), "a reply of NOOP's is to the oldest of them");
  check(body.code && *body.code >= 200 && *body.code != 421, "NOOP does not get such a reply");
  check(!running_transfer() || *body.code / 10 % 10 == 0, "in mid-transfer NOOP gets x0z");
  noops_.pop_front();
}

// This one goes to the client.
void World::check_not_for_noop(const record::Reply& body) const {
  if (noops_.empty() || noops_given_up_ || opaque_ || !body.code) return;
  if (*body.code < 200 || *body.code == 421) return;
  if (running_transfer()) {
    check(*body.code / 10 % 10 != 0, "x0z in mid-transfer is NOOP's");
  } else {
    check(body.to.has_value(), "what no command of the client's can get is NOOP's");
  }
}

void World::check_noops_given_up() const {
  if (ended_ || noops_.empty() || noops_given_up_ || running_transfer()) return;
  if (close_told_[index(Side::server)]) return;
  check(now_ - last_final_ <= kPatience + kHeldAtMost, "NOOPs without a reply are given up");
}

}  // namespace ftpscope::fuzz
