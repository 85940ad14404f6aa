// Colours of a terminal, by what a line is about.
#pragma once

#include <cstdint>
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
inline std::string painted(std::string_view text, Colour colour, bool on) {
  if (!on || colour == Colour::plain) return std::string(text);
  return std::string(code_of(colour)).append(text).append("\x1b[0m");
}

}  // namespace ftpscope
