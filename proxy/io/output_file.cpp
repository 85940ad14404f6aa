#include "proxy/io/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "proxy/io/descriptor.h"

namespace ftpscope {

namespace {

namespace fs = std::filesystem;
using Error = std::optional<std::string>;

// `name`: "the page 'x.html'".
std::string cannot_write(const std::string& name) {
  return "cannot write " + name + ": " + std::strerror(errno);
}

Error write_all(int fd, std::string_view text, const std::string& name) {
  while (!text.empty()) {
    const auto written = write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) return cannot_write(name);
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Error replace_file(const std::string& path, std::string_view text, const std::string& name) {
  const auto draft = path + "." + std::to_string(getpid()) + ".tmp";
  const Descriptor file(open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
  if (file.get() < 0) return cannot_write(name);
  auto error = write_all(file.get(), text, name);
  if (!error && rename(draft.c_str(), path.c_str()) != 0) error = cannot_write(name);
  if (error) unlink(draft.c_str());
  return error;
}

}  // namespace

std::optional<std::string> write_output(std::string_view what, const std::string& path,
                                        std::string_view text) {
  if (path == "-") return write_all(STDOUT_FILENO, text, std::string(what) + " to standard output");
  const auto name = std::string(what) + " '" + path + "'";
  std::error_code error;
  const auto real = fs::canonical(path, error);  // the file behind a symbolic link
  const auto place = error ? path : real.string();
  const auto status = fs::status(place, error);
  if (!fs::exists(status) || fs::is_regular_file(status)) return replace_file(place, text, name);
  const Descriptor device(open(place.c_str(), O_WRONLY | O_CLOEXEC));  // a pipe, /dev/stdout
  if (device.get() < 0) return cannot_write(name);
  return write_all(device.get(), text, name);
}

}  // namespace ftpscope
