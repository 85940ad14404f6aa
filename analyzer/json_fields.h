// One line of JSON, an object, read field by field. A field that is missing or of another kind
// gives a default value, and the first such is remembered: so a reader of records is a straight
// line and asks once at its end.
#pragma once

#include <simdjson.h>

#include <concepts>
#include <expected>
#include <forward_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analyzer/record.h"

namespace ftpscope {

class JsonFields;

// One line after the other, in the same memory: what was read of one is good until the next.
class JsonLine {
 public:
  // The fields of the object that the line is. The error is a sentence that says where.
  std::expected<JsonFields, std::string> parse(std::string_view line);

  // The first problem of its fields; empty: there is none.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  friend class JsonFields;
  struct Field {
    std::string_view key;
    simdjson::dom::element value;
  };

  simdjson::dom::parser parser_;
  std::vector<Field> fields_;               // of the line, behind them those of objects in it
  std::forward_list<std::string> decoded_;  // from base64
  std::string problem_;
};

class JsonFields {
 public:
  // Present and not null.
  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }

  // Zero, empty or the like when it is not there, which is a problem unless the name says so.
  template <std::integral T>
  T number(std::string_view key) {
    return number_of<T>(need(key), key);
  }
  template <std::integral T>
  std::optional<T> number_or_null(std::string_view key) {
    const auto value = find(key);
    return value ? std::optional(number_of<T>(value, key)) : std::nullopt;
  }
  bool flag(std::string_view key);  // false when it is not there
  std::optional<bool> flag_or_null(std::string_view key);
  // A text_or_nothing() is empty when it is not there.
  std::string_view text(std::string_view key) { return text_of(need(key), key); }
  std::string_view text_or_nothing(std::string_view key) { return text_of(find(key), key); }
  // What JsonObject::word() writes: it goes into JSON, and to a terminal, as it is.
  std::string_view word(std::string_view key) { return word_of(need(key), key); }
  std::string_view word_or_nothing(std::string_view key) { return word_of(find(key), key); }
  // A text, or {"base64": "..."}.
  std::string_view bytes(std::string_view key) { return bytes_of(need(key), key); }
  std::optional<std::string_view> bytes_or_null(std::string_view key);
  void list_of_bytes(std::string_view key, std::vector<std::string_view>& list);
  // All CRLF when it is not there.
  void endings(std::string_view key, std::size_t count, std::vector<Ending>& endings);
  Timestamp time(std::string_view key) { return time_of(need(key), key); }
  std::optional<Timestamp> time_or_null(std::string_view key);
  Endpoint endpoint(std::string_view key) { return endpoint_of(need(key), key); }
  std::optional<Endpoint> endpoint_or_null(std::string_view key);
  std::optional<Leg> leg_or_null(std::string_view key);
  // The object in that field; an empty one when it is missing.
  JsonFields object(std::string_view key);
  std::optional<simdjson::dom::array> list(std::string_view key);

  // The value of an enum whose name_of() is the text; `last` is its last value.
  template <class Enum>
  Enum named(std::string_view key, Enum last) {
    const auto name = text(key);
    for (int i = 0; i <= static_cast<int>(last); ++i) {
      if (name_of(static_cast<Enum>(i)) == name) return static_cast<Enum>(i);
    }
    unknown(key, name);
    return {};
  }

  void wrong(std::string_view key, std::string_view what);
  void unknown(std::string_view key, std::string_view name) {
    wrong(key, "'" + std::string(name) + "' is unknown");
  }

 private:
  friend class JsonLine;
  using Value = simdjson::dom::element;

  // `where` stands in front of the names of the fields in a problem.
  JsonFields(JsonLine& line, const simdjson::dom::object* object, std::string where);

  // One bit of 64 for a name: most of those that are not there are known by it, without a search.
  static constexpr std::uint64_t mark_of(std::string_view name) {
    const auto first = name.empty() ? '\0' : name.front();
    return std::uint64_t{1} << ((name.size() * 8 + static_cast<unsigned char>(first)) % 64);
  }
  // Good until another object is asked for. Null: it is not there.
  [[nodiscard]] const Value* find(std::string_view key) const {
    return (marks_ & mark_of(key)) == 0 ? nullptr : search(key);
  }
  [[nodiscard]] const Value* search(std::string_view key) const;
  const Value* need(std::string_view key);
  // Of null they give nothing, and it is no problem.
  std::string_view text_of(const Value* value, std::string_view key);
  std::string_view word_of(const Value* value, std::string_view key);
  std::string_view bytes_of(const Value* value, std::string_view key);
  Timestamp time_of(const Value* value, std::string_view key);
  Endpoint endpoint_of(const Value* value, std::string_view key);

  template <std::integral T>
  T number_of(const Value* value, std::string_view key) {
    if (!value) return {};
    std::uint64_t natural = 0;
    std::int64_t whole = 0;
    if (value->get(natural) == simdjson::SUCCESS && std::in_range<T>(natural)) {
      return static_cast<T>(natural);
    }
    if (value->get(whole) == simdjson::SUCCESS && std::in_range<T>(whole)) {
      return static_cast<T>(whole);
    }
    wrong(key, "a whole number is expected");
    return {};
  }

  JsonLine& line_;
  std::size_t begin_;  // in line_.fields_
  std::size_t end_;
  std::uint64_t marks_ = 0;  // of all its names
  std::string where_;
};

// "2026-11-21T09:43:39.123456Z" and nothing else.
std::optional<Timestamp> parse_time(std::string_view text);
std::optional<std::string> from_base64(std::string_view text);

}  // namespace ftpscope
