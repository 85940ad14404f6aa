// Colours of a terminal, by what a line is about.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace ftpscope {

enum class Colour : std::uint8_t { plain, client, server, failure, changed, data, dim, warning };

inline std::string_view code_of(Colour colour) {
  switch (colour) {
    case Colour::plain: return "";
    case Colour::client: return "\x1b[36m";
    case Colour::server: return "\x1b[32m";
    case Colour::failure: return "\x1b[31m";
    case Colour::changed: return "\x1b[35m";
    case Colour::data: return "\x1b[34m";
    case Colour::dim: return "\x1b[2m";
    case Colour::warning: return "\x1b[33m";
  }
  return "";
}

// As it is when `on` is false.
inline void append_painted(std::string& out, std::initializer_list<std::string_view> parts,
                           Colour colour, bool on) {
  const bool plain = !on || colour == Colour::plain;
  if (!plain) out += code_of(colour);
  for (const auto part : parts) out += part;
  if (!plain) out += "\x1b[0m";
}

inline std::string painted(std::string_view text, Colour colour, bool on) {
  std::string out;
  append_painted(out, {text}, colour, on);
  return out;
}

}  // namespace ftpscope
