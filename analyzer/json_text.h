// Writes one JSON object into a string, field by field.
#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace ftpscope {

// Printable ASCII without quotes and backslashes: it stands in a JSON string as it is.
bool is_word(std::string_view text);

// A quoted JSON string. `text` must be valid UTF-8. Escapes everything that could move a cursor,
// break a line or turn text around: C0, DEL, C1, U+2028, U+2029, and the bidi marks.
void append_json_string(std::string& out, std::string_view text);

// The same for any bytes: a string when they are UTF-8, else {"base64": "..."}.
void append_json_bytes(std::string& out, std::string_view bytes);

class JsonObject {
 public:
  explicit JsonObject(std::string& out) : out_(out) {}
  ~JsonObject() { out_ += empty_ ? "{}" : "}"; }
  JsonObject(const JsonObject&) = delete;
  JsonObject& operator=(const JsonObject&) = delete;

  // Keys are literals of ours, and words.
  void word(std::string_view key, std::string_view value) {
    auto* at = field(key, value.size() + 2);
    *at++ = '"';
    at = std::ranges::copy(value, at).out;
    *at = '"';
  }
  void text(std::string_view key, std::string_view value) {
    name(key);
    append_json_string(out_, value);
  }
  void bytes(std::string_view key, std::string_view value) {
    name(key);
    append_json_bytes(out_, value);
  }
  void flag(std::string_view key, bool value) { literal(key, value ? "true" : "false"); }
  void null(std::string_view key) { literal(key, "null"); }
  template <std::integral T>
  void number(std::string_view key, T value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    literal(key, {digits, end});
  }
  // For a value that the caller writes itself.
  std::string& name(std::string_view key) {
    field(key, 0);
    return out_;
  }

 private:
  void literal(std::string_view key, std::string_view value) {
    std::ranges::copy(value, field(key, value.size()));
  }
  // Where the value goes: all of a field grows the text in one step.
  char* field(std::string_view key, std::size_t value_size) {
    const auto before = out_.size();
    out_.resize(before + key.size() + 4 + value_size);
    auto* at = out_.data() + before;
    *at++ = empty_ ? '{' : ',';
    *at++ = '"';
    at = std::ranges::copy(key, at).out;
    *at++ = '"';
    *at++ = ':';
    empty_ = false;
    return at;
  }

  std::string& out_;
  bool empty_ = true;
};

}  // namespace ftpscope
