#include "analyzer/sent_address.h"

#include <array>

#include "analyzer/address_rules.h"

namespace ftpscope {

namespace {

// Behind the first `mark`, as far as there are only these characters.
std::string_view run_behind(std::string_view line, std::string_view mark,
                            std::string_view characters) {
  const auto at = line.find(mark);
  if (at == line.npos) return {};
  const auto rest = line.substr(at + mark.size());
  return rest.substr(0, rest.find_first_not_of(characters));
}

constexpr std::string_view kDigits = "0123456789";

// Pure-FTPd's very words: the name of a file may hold any others.
constexpr auto kPortTold =
    std::to_array<std::string_view>({"150 Connecting to port ", "150-Connecting to port ",
                                     "425 Could not open data connection to port "});

}  // namespace

std::optional<Endpoint> sent_address(std::string_view verb, std::string_view argument) {
  const auto found = find_address(form_of_verb(verb), argument, {});
  return found ? std::optional(found->endpoint) : std::nullopt;
}

std::optional<EchoedAddress> echoed_address(std::string_view verb, std::string_view line) {
  if (verb == "STAT") {
    const auto found =
        find_address(AddressForm::port, run_behind(line, "PORT (", "0123456789,"), {});
    if (found) return EchoedAddress{found->endpoint.ip, found->endpoint.port};
  }
  for (const auto words : kPortTold) {
    const auto port =
        line.starts_with(words) ? parse_port(run_behind(line, words, kDigits)) : std::nullopt;
    if (port) return EchoedAddress{std::nullopt, *port};
  }
  return std::nullopt;
}

}  // namespace ftpscope
