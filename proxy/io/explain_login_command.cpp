#include "proxy/io/explain_login_command.h"

#include <uv.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "analyzer/report_text.h"
#include "proxy/io/name_lookup.h"
#include "proxy/login_name.h"

namespace ftpscope {

namespace {

struct Judged {
  Endpoint address;
  std::string refused;  // why; empty: it would be connected to
};

struct Explained {
  std::string command;  // as it is read: USER bob@ftp.example
  NamedServer named;
  std::string said;  // to the server; empty: nothing yet
  std::vector<Judged> addresses;
  std::string error;  // why there is no server or no address

  [[nodiscard]] bool connects() const {
    return std::ranges::any_of(addresses, [](const Judged& j) { return j.refused.empty(); });
  }
};

std::expected<std::vector<Endpoint>, std::string> addresses_of(const HostPort& server) {
  std::expected<std::vector<Endpoint>, std::string> result;
  uv_loop_t loop{};
  uv_loop_init(&loop);
  look_up(&loop, server, [&result](const auto& found) {
    if (found) {
      result = *found;
    } else {
      result = std::unexpected(std::string(found.error()));
    }
  });
  uv_run(&loop, UV_RUN_DEFAULT);
  uv_loop_close(&loop);
  return result;
}

// A whole command, if it is one that can name a server; else what USER would say.
Explained read(const std::string& login) {
  Explained explained;
  std::string scratch;
  for (const auto& text : {login, "USER " + login}) {
    LineSplitter lines;
    const auto bytes = text + "\r\n";
    lines.feed(bytes);
    const auto line = lines.next();
    if (!line) break;
    const auto command = parse_command(*line, scratch);
    auto named = command.has_argument ? named_by(command) : std::nullopt;
    if (!named) continue;
    explained.command = std::string(command.name) + " " + std::string(command.argument);
    if (!*named) {
      explained.error = named->error();
    } else {
      explained.named = std::move(**named);
      if (explained.named.user) explained.said = "USER " + *explained.named.user;
    }
    return explained;
  }
  explained.error = "That is too long for a line.";
  return explained;
}

Explained explain(const ExplainLoginOptions& options) {
  auto explained = read(options.login);
  if (!explained.error.empty()) return explained;
  const auto& server = explained.named.server;
  const auto found = addresses_of(server);
  if (!found) {
    explained.error = "'" + server.host + "' cannot be found: " + found.error();
    return explained;
  }
  for (const auto& address : *found) {
    explained.addresses.push_back({address, refusal(options.destinations, server, address, false)});
  }
  return explained;
}

void print_json(const Explained& explained) {
  using Json = nlohmann::ordered_json;
  const bool named = !explained.named.server.host.empty();
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  auto addresses = Json::array();
  for (const auto& [address, refused] : explained.addresses) {
    addresses.push_back(
        {{"address", to_text(address)}, {"allowed", refused.empty()}, {"why", or_null(refused)}});
  }
  const Json object = {{"command", explained.command},
                       {"server", named ? Json(to_text(explained.named.server)) : Json()},
                       {"proxy_user", or_null(explained.named.proxy_user)},
                       {"sends", or_null(explained.said)},
                       {"addresses", addresses},
                       {"error", or_null(explained.error)},
                       {"connects", explained.connects()}};
  std::cout << object.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

void print_text(const Explained& explained) {
  std::cout << printable(explained.command) << '\n';
  if (!explained.named.server.host.empty()) {
    std::cout << "  server   " << to_text(explained.named.server) << '\n'
              << "  it gets  "
              << (explained.said.empty() ? "the USER that the client says next"
                                         : printable(explained.said))
              << '\n';
  }
  if (!explained.named.proxy_user.empty()) {
    std::cout << "  ignored  " << printable(explained.named.proxy_user)
              << ", a login at the proxy: none is asked for\n";
  }
  for (const auto& [address, refused] : explained.addresses) {
    std::cout << "  address  "
              << (refused.empty() ? to_text(address) + " may be connected to" : refused) << '\n';
  }
  if (!explained.error.empty()) std::cout << "  error    " << explained.error << '\n';
}

}  // namespace

int run_explain_login(const ExplainLoginOptions& options) {
  const auto explained = explain(options);
  options.json ? print_json(explained) : print_text(explained);
  std::cout.flush();
  return explained.connects() ? 0 : 1;
}

}  // namespace ftpscope
