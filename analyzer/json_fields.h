// One JSON object, read field by field. A field that is missing or of another kind gives a default
// value, and the first such is remembered: so a reader of records is a straight line and asks once
// at its end.
#pragma once

#include <concepts>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "analyzer/record.h"

namespace ftpscope {

class JsonFields {
 public:
  // `error` gets the first problem, with `where` in front of the field's name. All are to outlive
  // this.
  JsonFields(const nlohmann::json& object, std::string where, std::string& error)
      : object_(object), where_(std::move(where)), error_(error) {}

  // Present and not null.
  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }

  template <std::integral T>
  T number(std::string_view key) {
    return number_of<T>(need(key), key);
  }
  template <std::integral T>
  std::optional<T> number_or_null(std::string_view key) {
    return has(key) ? std::optional(number<T>(key)) : std::nullopt;
  }
  bool flag(std::string_view key);  // false when it is not there
  std::string text(std::string_view key);
  std::string bytes(std::string_view key);  // a text, or {"base64": "..."}
  std::vector<std::string> list_of_bytes(std::string_view key);
  std::vector<Ending> endings(std::string_view key, std::size_t count);  // all CRLF when not there
  Timestamp time(std::string_view key);
  std::optional<Timestamp> time_or_null(std::string_view key);
  Endpoint endpoint(std::string_view key);
  std::optional<Leg> leg_or_null(std::string_view key);
  // The object in that field; an empty one when it is missing, which is a problem.
  JsonFields object(std::string_view key);

  // The value of an enum whose name_of() is the text; `last` is its last value.
  template <class Enum>
  Enum named(std::string_view key, Enum last) {
    const auto name = text(key);
    for (int i = 0; i <= static_cast<int>(last); ++i) {
      if (name_of(static_cast<Enum>(i)) == name) return static_cast<Enum>(i);
    }
    wrong(key, "'" + name + "' is unknown");
    return {};
  }

  void wrong(std::string_view key, std::string_view what);

 private:
  [[nodiscard]] const nlohmann::json* find(std::string_view key) const;
  const nlohmann::json& need(std::string_view key);
  std::string bytes_of(const nlohmann::json& value, std::string_view key);

  template <std::integral T>
  T number_of(const nlohmann::json& value, std::string_view key) {
    if (value.is_number_unsigned() && std::in_range<T>(value.get<std::uint64_t>())) {
      return static_cast<T>(value.get<std::uint64_t>());
    }
    if (value.is_number_integer() && std::in_range<T>(value.get<std::int64_t>())) {
      return static_cast<T>(value.get<std::int64_t>());
    }
    wrong(key, "a whole number is expected");
    return {};
  }

  const nlohmann::json& object_;
  std::string where_;
  std::string& error_;
};

// "2026-11-21T09:43:39.123456Z" and nothing else.
std::optional<Timestamp> parse_time(std::string_view text);
std::optional<std::string> from_base64(std::string_view text);

}  // namespace ftpscope
