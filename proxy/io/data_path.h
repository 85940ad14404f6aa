// One data channel on its way, whoever moves its bytes: the relay (DataChannel) or the kernel
// (KernelChannel). It reports to the session as events.
#pragma once

#include <expected>
#include <optional>
#include <string_view>

#include "proxy/machine.h"

namespace ftpscope {

class DataPath {
 public:
  DataPath() = default;
  DataPath(const DataPath&) = delete;
  DataPath& operator=(const DataPath&) = delete;
  virtual ~DataPath() = default;

  [[nodiscard]] virtual ChannelId id() const = 0;
  [[nodiscard]] virtual bool closed() const = 0;
  // And ChannelClosed was told: nothing of it is left to be done.
  [[nodiscard]] virtual bool told() const = 0;
  // Somebody is still to connect to us.
  [[nodiscard]] virtual bool awaits_peer() const = 0;
  // A target is being connected to.
  [[nodiscard]] virtual bool connecting() const = 0;

  // Ends both connections: in order when `how` is fin, by RST otherwise. Reports ChannelClosed.
  virtual void close(ChannelEnd how, std::optional<Side> first, std::string_view why = {}) = 0;

  virtual void watch(Duration quiet, Timestamp now) = 0;
  virtual void on_due(Timestamp now) = 0;
  [[nodiscard]] virtual std::optional<Timestamp> due() const = 0;
};

}  // namespace ftpscope
