#include <cstdlib>
#include <variant>

#include "proxy/io/options.h"
#include "proxy/io/proxy_command.h"
#include "proxy/io/replay_client.h"
#include "proxy/io/replay_server.h"

int main(int argc, char** argv) {
  using namespace ftpscope;
  auto request = parse_command_line(argc, argv);
  if (const auto* code = std::get_if<int>(&request)) return *code;
  if (const auto* replay = std::get_if<ReplayServerOptions>(&request)) {
    return run_replay_server(*replay);
  }
  if (const auto* client = std::get_if<ReplayClientOptions>(&request)) {
    return run_replay_client(*client);
  }
  if (const auto* analyze = std::get_if<AnalyzeOptions>(&request)) return run_analyze(*analyze);
  if (const auto* explain = std::get_if<ExplainOptions>(&request)) return run_explain(*explain);
  if (const auto* login = std::get_if<ExplainLoginOptions>(&request)) {
    return run_explain_login(*login);
  }
  if (const auto* report = std::get_if<ReportOptions>(&request)) return run_report(*report);
  if (const auto* diff = std::get_if<DiffOptions>(&request)) return run_diff(*diff);
  if (const auto* rules = std::get_if<NatRulesArguments>(&request)) return run_nat_rules(*rules);
  return run_proxy(std::move(std::get<ProxyOptions>(request)));
}
