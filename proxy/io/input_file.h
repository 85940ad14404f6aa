// A file to read from its beginning to its end: mapped into memory when it is one, read in pieces
// when it is a pipe or a terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

namespace ftpscope {

class InputFile {
 public:
  // The unread bytes and whether nothing comes behind them; returns how many of them are done with.
  using Take = std::function<std::size_t(std::string_view available, bool complete)>;

  // "-" is standard input. The error is a sentence.
  static std::expected<InputFile, std::string> open(const std::string& path);
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;
  ~InputFile();

  // Gives out all of it. The error, if reading fails on the way, is a sentence.
  std::expected<void, std::string> read(const Take& take);

  // 0 when it is not known.
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  InputFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  void map();
  void read_mapped(const Take& take) const;
  std::expected<void, std::string> read_pieces(const Take& take) const;

  std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
  const char* mapped_ = nullptr;
};

}  // namespace ftpscope
