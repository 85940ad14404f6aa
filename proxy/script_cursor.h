// How far one client has come in a script, and which exchange its next command gets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/message.h"
#include "proxy/replay_place.h"
#include "proxy/replay_script.h"

namespace ftpscope {

enum class Match : std::uint8_t {
  strict,  // the recorded commands of one session, in their order
  verb,    // the next unused exchange of the same verb and argument
  state,   // of the same verb, path, type and offset
};

class ScriptCursor {
 public:
  struct Found {
    const Exchange* exchange = nullptr;  // null: none
    std::uint64_t skip = 0;              // bytes of its payload that the client has already
  };

  // `script` is to outlive it.
  ScriptCursor(const ReplayScript& script, Match match)
      : script_(script), match_(match), used_(script.exchanges.size(), false) {}

  // The next unused exchange behind the last one used, else the first unused one, else the last one
  // of all, once more. A login may be by any name, and "LIST -la" lists the same as "LIST".
  [[nodiscard]] Found find(const Command& command, const ReplayPlace& place) const;
  // One of the same verb, whatever its argument.
  [[nodiscard]] const Exchange* nearest(const Command& command) const;
  void use(const Exchange& exchange);
  // What a client that follows the recording says next: behind the last one used, and not how it
  // sets up its data connections or encryption, which is its own affair.
  [[nodiscard]] const Exchange* expected() const;

 private:
  [[nodiscard]] const Exchange* pick(const ReplayScript::Index& index,
                                     const std::string& key) const;
  [[nodiscard]] const Exchange* find_by_command(const Command& command) const;
  [[nodiscard]] Found find_by_state(const Command& command, const ReplayPlace& place) const;
  [[nodiscard]] const Exchange* find_in_order(const Command& command) const;

  const ReplayScript& script_;
  Match match_;
  std::vector<bool> used_;
  std::size_t next_ = 0;
};

}  // namespace ftpscope
