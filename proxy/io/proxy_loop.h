// One event loop, the entrances of all modes on it, and sessions until a signal ends it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "proxy/io/descriptor.h"
#include "proxy/io/log_file.h"
#include "proxy/io/new_recording.h"
#include "proxy/io/proxy_command.h"

namespace ftpscope {

// Null: none.
struct Outputs {
  std::unique_ptr<LogFile> log;
  std::unique_ptr<NewRecording> recording;
};

// The exit code, when SIGTERM or SIGINT has ended it; errors are printed. `sockets`: one for each
// mode. `ready` is called when clients are served and signals are heard.
int run_proxy_loop(const ProxyOptions& options, std::vector<Descriptor> sockets,
                   AddressSources& sources, const Outputs& outputs,
                   const std::function<void(const std::vector<Endpoint>&)>& ready);

}  // namespace ftpscope
