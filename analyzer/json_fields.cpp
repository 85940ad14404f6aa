#include "analyzer/json_fields.h"

#include <algorithm>
#include <charconv>

namespace ftpscope {

namespace {

using Json = nlohmann::json;

// A decimal number of exactly these digits, -1 when there is anything else.
int digits(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size() && text[0] != '-';
  return whole ? value : -1;
}

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

}  // namespace

std::optional<Timestamp> parse_time(std::string_view text) {
  constexpr std::string_view kShape = "....-..-..T..:..:.........Z";
  constexpr std::string_view kMarks = "-T:Z";
  if (text.size() != kShape.size() || text[19] != '.') return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (kMarks.find(kShape[i]) != kMarks.npos && text[i] != kShape[i]) return std::nullopt;
  }
  const int month = digits(text.substr(5, 2));
  const int day = digits(text.substr(8, 2));
  const int hour = digits(text.substr(11, 2));
  const int minute = digits(text.substr(14, 2));
  const int second = digits(text.substr(17, 2));
  const int micros = digits(text.substr(20, 6));
  if (month < 0 || day < 0 || micros < 0) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(digits(text.substr(0, 4))),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  const bool clock =
      hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
  if (!clock || !date.ok() || static_cast<int>(date.year()) < 0) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second) + std::chrono::microseconds(micros);
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const auto padding = text.size() - std::min(text.find_last_not_of('=') + 1, text.size());
  if (padding > 2) return std::nullopt;
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.size() - padding)) {
    const int value = base64_value(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6U) | static_cast<unsigned>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xffU));
  }
  return bytes;
}

void JsonFields::wrong(std::string_view key, std::string_view what) {
  if (error_.empty()) error_ = where_ + std::string(key) + ": " + std::string(what);
}

const Json* JsonFields::find(std::string_view key) const {
  const auto field = object_.find(std::string(key));
  return field == object_.end() || field->is_null() ? nullptr : &*field;
}

const Json& JsonFields::need(std::string_view key) {
  static const Json nothing;
  const auto* field = find(key);
  if (!field) wrong(key, "is missing");
  return field ? *field : nothing;
}

bool JsonFields::flag(std::string_view key) {
  if (!has(key)) return false;
  const auto& value = need(key);
  if (!value.is_boolean()) wrong(key, "true or false is expected");
  return value.is_boolean() && value.get<bool>();
}

std::string JsonFields::text(std::string_view key) {
  const auto& value = need(key);
  if (value.is_string()) return value.get<std::string>();
  wrong(key, "a text is expected");
  return {};
}

std::string JsonFields::bytes_of(const Json& value, std::string_view key) {
  if (value.is_string()) return value.get<std::string>();
  const auto encoded = value.is_object() ? value.find("base64") : value.end();
  if (value.is_object() && encoded != value.end() && encoded->is_string()) {
    if (auto bytes = from_base64(encoded->get<std::string>())) return std::move(*bytes);
  }
  wrong(key, "a text or {\"base64\": ...} is expected");
  return {};
}

std::string JsonFields::bytes(std::string_view key) { return bytes_of(need(key), key); }

std::vector<std::string> JsonFields::list_of_bytes(std::string_view key) {
  std::vector<std::string> list;
  const auto& value = need(key);
  if (!value.is_array()) wrong(key, "a list is expected");
  for (const auto& entry : value) list.push_back(bytes_of(entry, key));
  return list;
}

std::vector<Ending> JsonFields::endings(std::string_view key, std::size_t count) {
  std::vector<Ending> endings(count, Ending::crlf);
  if (!has(key)) return endings;
  const auto& value = need(key);
  if (!value.is_array() || value.size() != count) {
    wrong(key, "a list with an ending for each line is expected");
    return endings;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto& name = value[i];
    if (name == "lf") {
      endings[i] = Ending::lf;
    } else if (name == "none") {
      endings[i] = Ending::none;
    } else if (name != "crlf") {
      wrong(key, "only crlf, lf and none are known");
    }
  }
  return endings;
}

Timestamp JsonFields::time(std::string_view key) {
  const auto time = parse_time(text(key));
  if (!time) wrong(key, "a time as 2026-11-21T09:43:39.123456Z is expected");
  return time.value_or(Timestamp{});
}

std::optional<Timestamp> JsonFields::time_or_null(std::string_view key) {
  return has(key) ? std::optional(time(key)) : std::nullopt;
}

Endpoint JsonFields::endpoint(std::string_view key) {
  const auto endpoint = parse_endpoint(text(key));
  if (!endpoint) wrong(key, "an address with a port is expected");
  return endpoint.value_or(Endpoint{});
}

JsonFields JsonFields::object(std::string_view key) {
  static const Json nothing = Json::object();
  const auto& value = need(key);
  if (!value.is_object()) wrong(key, "an object is expected");
  return {value.is_object() ? value : nothing, where_ + std::string(key) + ".", error_};
}

std::optional<Leg> JsonFields::leg_or_null(std::string_view key) {
  if (!has(key)) return std::nullopt;
  auto inner = object(key);
  return Leg{inner.endpoint("from"), inner.endpoint("to")};
}

}  // namespace ftpscope
