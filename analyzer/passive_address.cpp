#include "analyzer/passive_address.h"

#include <algorithm>

namespace ftpscope {

namespace {

constexpr std::string_view kDigits = "0123456789";

int code_of(AddressForm form) {
  switch (form) {
    case AddressForm::reply_227: return 227;
    case AddressForm::reply_228: return 228;
    case AddressForm::reply_229: return 229;
    case AddressForm::port:
    case AddressForm::eprt:
    case AddressForm::lprt: break;
  }
  return 0;
}

// Where the text behind the code begins; the line's begin when the code is not in it.
std::size_t text_begin(AddressForm form, std::string_view line) {
  const auto digits = std::to_string(code_of(form));
  const auto at = line.find(digits);
  return at == line.npos ? 0 : at + digits.size();
}

// Of a 227 or 228: the list of numbers, which may be in parentheses.
std::string odd_list(std::string_view before, std::string_view hole, std::string_view after) {
  if (before.find_first_of(kDigits) != before.npos) return "digits in front of the address";
  if (hole.find(' ') != hole.npos) return "blanks between the numbers";
  if (hole.starts_with('=')) return "'=' in front of the address";
  if (!hole.starts_with('(') || !hole.ends_with(')')) return "no parentheses";
  if (after.find_first_not_of(" .") != after.npos) return "text behind the address";
  return {};
}

std::string odd_extended(std::string_view before, std::string_view hole, std::string_view after,
                         bool names_host) {
  if (names_host) return "it names a host";
  const auto delimiter = hole[hole.find_first_of(kDigits) - 1];
  const auto zero = hole.find("|0");
  if (delimiter != '|') return "'" + std::string(1, delimiter) + "' as the delimiter";
  if (!hole.starts_with('(') || !hole.ends_with(')')) return "no parentheses";
  if (zero != hole.npos && hole[zero + 2] != '|') return "a zero in front of the port";
  if (before.find('(') != before.npos) return "parentheses in front of the address";
  if (after.find_first_not_of(' ') != after.npos) return "text behind the address";
  return {};
}

}  // namespace

std::optional<AddressForm> form_of_code(int code) {
  switch (code) {
    case 227: return AddressForm::reply_227;
    case 228: return AddressForm::reply_228;
    case 229: return AddressForm::reply_229;
    default: return std::nullopt;
  }
}

std::optional<AddressForm> form_asked_for(std::string_view verb) {
  if (verb == "PASV") return AddressForm::reply_227;
  if (verb == "EPSV") return AddressForm::reply_229;
  if (verb == "LPSV") return AddressForm::reply_228;
  return std::nullopt;
}

AddressOrError address_in_line(AddressForm form, std::string_view line, const IpAddress& peer) {
  const auto text_at = text_begin(form, line);
  auto found = find_address(form, line.substr(text_at), peer);
  if (!found) return found;
  found->begin += text_at;
  found->end += text_at;
  return found;
}

PassiveAddress find_passive_address(AddressForm form, std::span<const std::string_view> lines,
                                    const IpAddress& peer) {
  PassiveAddress result;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto found = address_in_line(form, lines[i], peer);
    if (found) return {found, i};
    const bool first = result.found.error() == AddressError::missing;
    if (first && found.error() != AddressError::missing) result = {found, i};
  }
  return result;
}

std::string odd_form(AddressForm form, std::span<const std::string_view> lines,
                     const PassiveAddress& address) {
  if (lines.size() > 1) return "several lines";
  const auto line = lines[address.line];
  const auto& found = *address.found;
  const auto text_at = text_begin(form, line);
  const auto before = line.substr(text_at, found.begin - text_at);
  const auto hole = line.substr(found.begin, found.end - found.begin);
  const auto after = line.substr(found.end);
  if (form == AddressForm::reply_229) return odd_extended(before, hole, after, found.names_host);
  return odd_list(before, hole, after);
}

}  // namespace ftpscope
