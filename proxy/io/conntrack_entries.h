// The kernel's table of connections (conntrack): what it knows of one, and to make it forget one.
#pragma once

#include <array>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "analyzer/record.h"
#include "proxy/payload_count.h"

struct nfct_handle;

namespace ftpscope {

class ConntrackEntries {
 public:
  enum class State : std::uint8_t { open, closed, reset };
  struct Entry {
    Leg answer;                          // the other way, as on the wire: from the target, to us
    std::array<PacketTotals, 2> totals;  // of the one who connected, of the target
    State state = State::open;
  };

  // The error is a sentence's end.
  static std::expected<std::unique_ptr<ConntrackEntries>, std::string> open();
  ConntrackEntries(const ConntrackEntries&) = delete;
  ConntrackEntries& operator=(const ConntrackEntries&) = delete;

  // By who connected and to where, as on the wire. None: there is no such connection (yet).
  [[nodiscard]] std::optional<Entry> find(const Leg& connection) const;
  // What is sent on it from now on is answered by this machine, with RST.
  void forget(const Leg& connection) const;

 private:
  struct Close {
    void operator()(nfct_handle* handle) const;
  };
  using Handle = std::unique_ptr<nfct_handle, Close>;

  explicit ConntrackEntries(Handle handle) : handle_(std::move(handle)) {}

  Handle handle_;
};

}  // namespace ftpscope
