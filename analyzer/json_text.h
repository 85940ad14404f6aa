// Writes one JSON object into a string, field by field.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace ftpscope {

// A quoted JSON string. `text` must be valid UTF-8. Escapes everything that could move a cursor,
// break a line or turn text around: C0, DEL, C1, U+2028, U+2029, and the bidi marks.
void append_json_string(std::string& out, std::string_view text);

// The same for any bytes: a string when they are UTF-8, else {"base64": "..."}.
void append_json_bytes(std::string& out, std::string_view bytes);

class JsonObject {
 public:
  explicit JsonObject(std::string& out) : out_(out) { out_ += '{'; }
  ~JsonObject() { out_ += '}'; }
  JsonObject(const JsonObject&) = delete;
  JsonObject& operator=(const JsonObject&) = delete;

  // Keys are literals of ours and need no escaping; so are the values given to word().
  void word(std::string_view key, std::string_view value) {
    name(key);
    out_ += '"';
    out_ += value;
    out_ += '"';
  }
  void text(std::string_view key, std::string_view value) {
    name(key);
    append_json_string(out_, value);
  }
  void bytes(std::string_view key, std::string_view value) {
    name(key);
    append_json_bytes(out_, value);
  }
  void flag(std::string_view key, bool value) {
    name(key);
    out_ += value ? "true" : "false";
  }
  void null(std::string_view key) {
    name(key);
    out_ += "null";
  }
  template <std::integral T>
  void number(std::string_view key, T value) {
    name(key);
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out_.append(digits, end);
  }
  // For a value that the caller writes itself.
  std::string& name(std::string_view key) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += '"';
    out_ += key;
    out_ += "\":";
    return out_;
  }

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace ftpscope
