#include "analyzer/findings.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "analyzer/findings/addresses.h"
#include "analyzer/findings/attacks.h"
#include "analyzer/findings/capture.h"
#include "analyzer/findings/commands.h"
#include "analyzer/findings/data_connections.h"
#include "analyzer/findings/lines.h"
#include "analyzer/findings/replay.h"
#include "analyzer/findings/replies.h"
#include "analyzer/findings/session.h"
#include "analyzer/findings/tls.h"
#include "analyzer/findings/transfers.h"

namespace ftpscope {

namespace {

using enum Severity;

// The families, one behind the other, at compile time.
template <std::size_t... Sizes>
constexpr auto joined(const std::array<FindingRow, Sizes>&... families) {
  std::array<FindingRow, (Sizes + ...)> rows{};
  auto* next = rows.begin();
  ((next = std::ranges::copy(families, next).out), ...);
  return rows;
}

constexpr auto kRows =
    joined(findings::kReplies, findings::kLines, findings::kCommands, findings::kAddresses,
           findings::kDataConnections, findings::kTransfers, findings::kTls, findings::kSession,
           findings::kAttacks, findings::kCapture, findings::kReplay);

static_assert(kRows.size() == static_cast<std::size_t>(FindingId::count_));
static_assert(
    [] {
      for (std::size_t i = 0; i < kRows.size(); ++i) {
        if (kRows[i].id != static_cast<FindingId>(i)) return false;
      }
      return true;
    }(),
    "the rows stand in the order of FindingId");

}  // namespace

const FindingRow& row_of(FindingId id) { return kRows[static_cast<std::size_t>(id)]; }

const FindingRow* find_finding(std::string_view name) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
  const auto row = std::ranges::find_if(
      kRows, [&](const FindingRow& r) { return std::ranges::equal(r.name, name, {}, {}, upper); });
  return row == kRows.end() ? nullptr : &*row;
}

std::span<const FindingRow> all_findings() { return kRows; }

std::string_view name_of(Severity severity) {
  switch (severity) {
    case note: return "note";
    case warning: return "warning";
    case error: return "error";
  }
  return "";
}

std::string_view name_of(Blame blame) {
  switch (blame) {
    case Blame::client: return "client";
    case Blame::server: return "server";
    case Blame::network: return "network";
    case Blame::proxy: return "proxy";
    case Blame::sender: return "sender";
  }
  return "";
}

Blame blame_of(const FindingRow& row, std::string_view detail) {
  if (row.blame != Blame::sender) return row.blame;
  if (detail.contains("client")) return Blame::client;
  return detail.contains("server") ? Blame::server : Blame::network;
}

}  // namespace ftpscope
