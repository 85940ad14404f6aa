#include "proxy/io/diff_command.h"

#include <algorithm>
#include <csignal>
#include <iostream>

#include "analyzer/report_text.h"
#include "proxy/io/expectation_options.h"
#include "proxy/io/options.h"
#include "proxy/io/session_source.h"

namespace ftpscope {

namespace {

constexpr int kExitDiffers = 1;

using Error = std::optional<std::string>;

int fail(const std::string& sentence) {
  std::cerr << "ftpscope: " << sentence << '\n';
  return kExitUsage;
}

// Leaves the one session whose name ends so. The error is a sentence.
Error choose(std::vector<SessionTransactions>& sessions, const std::string& ending,
             const std::string& name) {
  if (ending.empty()) return {};
  const auto others = [&](const auto& session) { return !session.session.ends_with(ending); };
  std::string names;
  for (const auto& session : sessions) names.append(" ").append(printable(session.session));
  std::erase_if(sessions, others);
  if (sessions.size() == 1) return {};
  return (sessions.empty() ? "no session of " : "several sessions of ") + name + " end with '" +
         printable(ending) + "'; it has" + names;
}

std::expected<SessionSource, std::string> open_source(const std::string& path,
                                                      const std::string& session,
                                                      const FlowLimits& limits) {
  auto source = SessionSource::open(path, limits);
  if (!source) return source;
  for (const auto& complaint : source->complaints) std::cerr << "ftpscope: " << complaint << '\n';
  if (auto error = choose(source->sessions, session, path)) return std::unexpected(*error);
  return source;
}

}  // namespace

int run_diff(const DiffOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  if (options.a == "-" && options.b == "-")
    return fail("only one of A and B can be standard input");
  auto a = open_source(options.a, options.session_a, options.limits);
  if (!a) return fail(a.error());
  const auto b = open_source(options.b, options.session_b, options.limits);
  if (!b) return fail(b.error());
  for (auto& session : a->sessions) substitute(session, options.substitutions);
  auto how = options.comparison;
  how.payload_of_a = a->payloads();
  how.payload_of_b = b->payloads();
  const Comparison comparison{options.a, options.b, compare_in_order(a->sessions, b->sessions, how),
                              check_expectations(options.expectations, b->sessions)};
  if (const auto error = write_comparison(comparison, options.output)) return fail(*error);
  if (!comparison.as_expected()) return kExitNotAsExpected;
  return comparison.same() ? 0 : kExitDiffers;
}

}  // namespace ftpscope
