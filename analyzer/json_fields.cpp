#include "analyzer/json_fields.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "analyzer/json_text.h"

namespace ftpscope {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A digit for each 0 of the shape, the rest as it is there.
bool has_shape(std::string_view text, std::string_view shape) {
  if (text.size() != shape.size()) return false;
  bool same = true;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    same = same && (shape[i] == '0' ? is_digit(text[i]) : text[i] == shape[i]);
  }
  return same;
}

// Of so many digits and nothing else.
template <std::size_t count>
int number_at(const char* digits) {
  int number = 0;
  for (std::size_t i = 0; i < count; ++i) number = number * 10 + (digits[i] - '0');
  return number;
}

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// Half of a surrogate pair may stand alone for simdjson, and makes no UTF-8.
bool may_hold_half_a_pair(std::string_view line) {
  return line.find('\\') != line.npos &&
         (line.find("\\ud") != line.npos || line.find("\\uD") != line.npos);
}

// simdjson does not say where it stopped; the slower parser does.
std::string where_it_is_wrong(std::string_view line) {
  try {
    const auto parsed = nlohmann::json::parse(line);
  } catch (const nlohmann::json::exception& problem) {
    return "not JSON: " + std::string(problem.what());
  }
  return "not JSON: a number in it is too large, or it is nested too deeply";
}

}  // namespace

std::expected<JsonFields, std::string> JsonLine::parse(std::string_view line) {
  fields_.clear();
  decoded_.clear();
  problem_.clear();
  simdjson::dom::element root;
  const bool wrong = parser_.parse(line.data(), line.size()).get(root) != simdjson::SUCCESS ||
                     (may_hold_half_a_pair(line) && !nlohmann::json::accept(line));
  if (wrong) return std::unexpected(where_it_is_wrong(line));
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS) return std::unexpected("a JSON object is expected");
  return JsonFields(*this, &object, {});
}

std::optional<Timestamp> parse_time(std::string_view text) {
  if (!has_shape(text, "0000-00-00T00:00:00.000000Z")) return std::nullopt;
  const auto* at = text.data();
  const std::chrono::year_month_day date{
      std::chrono::year(number_at<4>(at)),
      std::chrono::month(static_cast<unsigned>(number_at<2>(at + 5))),
      std::chrono::day(static_cast<unsigned>(number_at<2>(at + 8)))};
  const std::chrono::hours hour(number_at<2>(at + 11));
  const std::chrono::minutes minute(number_at<2>(at + 14));
  const std::chrono::seconds second(number_at<2>(at + 17));
  if (!date.ok() || hour.count() > 23 || minute.count() > 59 || second.count() > 59) {
    return std::nullopt;
  }
  return std::chrono::sys_days(date) + hour + minute + second +
         std::chrono::microseconds(number_at<6>(at + 20));
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
  if (line_.problem_.empty()) line_.problem_ = where_ + std::string(key) + ": " + std::string(what);
}

JsonFields::JsonFields(JsonLine& line, const simdjson::dom::object* object, std::string where)
    : line_(line), begin_(line.fields_.size()), end_(begin_), where_(std::move(where)) {
  if (!object) return;
  for (const auto& [key, value] : *object) {
    line.fields_.push_back({key, value});
    marks_ |= mark_of(key);
  }
  end_ = line.fields_.size();
}

const JsonFields::Value* JsonFields::search(std::string_view key) const {
  for (const auto& [name, value] : std::span(line_.fields_).subspan(begin_, end_ - begin_)) {
    if (name == key) return value.is_null() ? nullptr : &value;
  }
  return nullptr;
}

const JsonFields::Value* JsonFields::need(std::string_view key) {
  const auto* value = find(key);
  if (!value) wrong(key, "is missing");
  return value;
}

bool JsonFields::flag(std::string_view key) { return flag_or_null(key).value_or(false); }

std::optional<bool> JsonFields::flag_or_null(std::string_view key) {
  const auto* value = find(key);
  if (!value) return std::nullopt;
  bool flag = false;
  if (value->get(flag) != simdjson::SUCCESS) wrong(key, "true or false is expected");
  return flag;
}

std::string_view JsonFields::text_of(const Value* value, std::string_view key) {
  std::string_view text;
  if (value && value->get(text) != simdjson::SUCCESS) wrong(key, "a text is expected");
  return text;
}

std::string_view JsonFields::word_of(const Value* value, std::string_view key) {
  const auto text = text_of(value, key);
  if (!is_word(text)) wrong(key, "printable ASCII without quotes and backslashes is expected");
  return text;
}

std::string_view JsonFields::bytes_of(const Value* value, std::string_view key) {
  std::string_view text;
  if (!value || value->get(text) == simdjson::SUCCESS) return text;
  simdjson::dom::object encoded;
  if (value->get(encoded) == simdjson::SUCCESS &&
      encoded.at_key("base64").get(text) == simdjson::SUCCESS) {
    if (auto bytes = from_base64(text)) return line_.decoded_.emplace_front(std::move(*bytes));
  }
  wrong(key, "a text or {\"base64\": ...} is expected");
  return {};
}

std::optional<std::string_view> JsonFields::bytes_or_null(std::string_view key) {
  const auto* value = find(key);
  return value ? std::optional(bytes_of(value, key)) : std::nullopt;
}

std::optional<simdjson::dom::array> JsonFields::list(std::string_view key) {
  const auto* value = need(key);
  simdjson::dom::array list;
  if (value && value->get(list) == simdjson::SUCCESS) return list;
  wrong(key, "a list is expected");
  return std::nullopt;
}

void JsonFields::list_of_bytes(std::string_view key, std::vector<std::string_view>& list) {
  list.clear();
  const auto entries = this->list(key);
  if (!entries) return;
  for (const auto entry : *entries) list.push_back(bytes_of(&entry, key));
}

void JsonFields::endings(std::string_view key, std::size_t count, std::vector<Ending>& endings) {
  endings.assign(count, Ending::crlf);
  const auto* value = find(key);
  if (!value) return;
  simdjson::dom::array names;
  if (value->get(names) != simdjson::SUCCESS || names.size() != count) {
    wrong(key, "a list with an ending for each line is expected");
    return;
  }
  auto ending = endings.begin();
  for (const auto entry : names) {
    std::string_view name;
    if (entry.get(name) != simdjson::SUCCESS) name = {};
    if (name == "lf") {
      *ending = Ending::lf;
    } else if (name == "none") {
      *ending = Ending::none;
    } else if (name != "crlf") {
      wrong(key, "only crlf, lf and none are known");
    }
    ++ending;
  }
}

Timestamp JsonFields::time_of(const Value* value, std::string_view key) {
  if (!value) return {};
  const auto time = parse_time(text_of(value, key));
  if (!time) wrong(key, "a time as 2026-11-21T09:43:39.123456Z is expected");
  return time.value_or(Timestamp{});
}

std::optional<Timestamp> JsonFields::time_or_null(std::string_view key) {
  const auto* value = find(key);
  return value ? std::optional(time_of(value, key)) : std::nullopt;
}

Endpoint JsonFields::endpoint_of(const Value* value, std::string_view key) {
  if (!value) return {};
  const auto endpoint = parse_endpoint(text_of(value, key));
  if (!endpoint) wrong(key, "an address with a port is expected");
  return endpoint.value_or(Endpoint{});
}

std::optional<Endpoint> JsonFields::endpoint_or_null(std::string_view key) {
  const auto* value = find(key);
  return value ? std::optional(endpoint_of(value, key)) : std::nullopt;
}

JsonFields JsonFields::object(std::string_view key) {
  const auto* value = need(key);
  auto where = where_ + std::string(key) + ".";
  simdjson::dom::object inner;
  if (value && value->get(inner) == simdjson::SUCCESS) return {line_, &inner, std::move(where)};
  wrong(key, "an object is expected");
  return {line_, nullptr, std::move(where)};
}

std::optional<Leg> JsonFields::leg_or_null(std::string_view key) {
  if (!has(key)) return std::nullopt;
  auto inner = object(key);
  return Leg{inner.endpoint("from"), inner.endpoint("to")};
}

}  // namespace ftpscope
