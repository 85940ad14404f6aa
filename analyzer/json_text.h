// Writes one JSON object into a string, field by field.
#pragma once

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
    field(key, value.size() + 2, [value](char* at) {
      *at++ = '"';
      at += value.copy(at, value.size());
      *at++ = '"';
      return at;
    });
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
    constexpr std::size_t kDigitsMax = 20;  // of 64 bits, or 19 and a sign
    field(key, kDigitsMax,
          [value](char* at) { return std::to_chars(at, at + kDigitsMax, value).ptr; });
  }
  // For a value that the caller writes itself.
  std::string& name(std::string_view key) {
    field(key, 0, [](char* at) { return at; });
    return out_;
  }

 private:
  void literal(std::string_view key, std::string_view value) {
    field(key, value.size(), [value](char* at) { return at + value.copy(at, value.size()); });
  }
  // `write` puts a value of at most so many bytes where it is told, and returns where it ends: all
  // of a field grows the text in one step, and nothing is filled with zeros first.
  template <class Write>
  void field(std::string_view key, std::size_t value_max, Write write) {
    const auto before = out_.size();
    const auto most = before + key.size() + 4 + value_max;
    out_.resize_and_overwrite(most, [&](char* text, std::size_t) {
      auto* at = text + before;
      *at++ = empty_ ? '{' : ',';
      *at++ = '"';
      at += key.copy(at, key.size());
      *at++ = '"';
      *at++ = ':';
      return static_cast<std::size_t>(write(at) - text);
    });
    empty_ = false;
  }

  std::string& out_;
  bool empty_ = true;
};

}  // namespace ftpscope
