// `ftpscope proxy`: one event loop, one listening port, sessions until a signal ends it.
#pragma once

#include "proxy/io/options.h"

namespace ftpscope {

// The exit code. Prints where it listens, and errors as one sentence.
int run_proxy(ProxyOptions options);

}  // namespace ftpscope
