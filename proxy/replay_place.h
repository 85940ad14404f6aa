// Where a client stands in a session: its folder, type and restart offset. What its next command
// means depends on these, so they tell which recorded exchange was about the same thing
// (--match state). Lexical only: nobody here knows a file.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace ftpscope {

struct ReplayScript;

class ReplayPlace {
 public:
  // How much of the state must be the same.
  enum class Precision : std::uint8_t { exact, any_type, any_offset };
  static constexpr auto kPrecisions =
      std::to_array({Precision::exact, Precision::any_type, Precision::any_offset});

  explicit ReplayPlace(std::string folder) : folder_(std::move(folder)) {}

  // The folder of the first PWD of a session, when nothing has changed it before; "/" otherwise.
  static std::string home_of(const ReplayScript& script);

  // Equal for commands that are about the same thing, said here and there.
  [[nodiscard]] std::string key(std::string_view verb, std::string_view argument,
                                Precision precision) const;
  // The command has got this final reply (empty: none): what it changes.
  void answered(std::string_view verb, std::string_view argument, std::string_view reply);

  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }  // of the next transfer
  // The path that a command names, or lists; empty: it is about none.
  [[nodiscard]] std::string path_named(std::string_view verb, std::string_view argument) const;
  [[nodiscard]] std::string path_of(std::string_view argument) const;

 private:
  std::string folder_;
  std::string type_ = "A";  // RFC 959 5.1: the default
  std::uint64_t offset_ = 0;
};

// The path in a 257 (RFC 959 Appendix II: a quote in it is doubled); empty: there is none.
std::string quoted_path(std::string_view reply);

}  // namespace ftpscope
