// The words that the rows of the catalogue are written with.
#pragma once

#include <array>

#include "analyzer/findings.h"

namespace ftpscope::findings {

using enum FindingId;
using enum Severity;
inline constexpr auto kClient = Blame::client;
inline constexpr auto kServer = Blame::server;
inline constexpr auto kNetwork = Blame::network;
inline constexpr auto kProxy = Blame::proxy;
inline constexpr auto kSender = Blame::sender;

}  // namespace ftpscope::findings
