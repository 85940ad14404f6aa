#include "proxy/io/report_command.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <expected>
#include <filesystem>
#include <iostream>
#include <optional>

#include "analyzer/report_html.h"
#include "proxy/io/options.h"

namespace ftpscope {

namespace {

namespace fs = std::filesystem;
using Error = std::optional<std::string>;  // a sentence; none: it went well

std::string quoted(const std::string& path) { return "'" + path + "'"; }

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ > STDERR_FILENO) close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// All of it. One byte more than kHtmlLogMax is enough to know that it is too much.
std::expected<std::string, std::string> read_all(int fd, const std::string& name) {
  constexpr std::size_t kPiece = std::size_t{1} << 20U;
  std::string text;
  while (true) {
    const auto had = text.size();
    text.resize(had + kPiece);
    const auto got = read(fd, text.data() + had, kPiece);
    text.resize(had + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got == 0) return text;
    if (got < 0 && errno != EINTR) {
      return std::unexpected("cannot read the log " + name + ": " + std::strerror(errno));
    }
    if (text.size() > kHtmlLogMax) {
      return std::unexpected("the log " + name +
                             " is larger than 128 MiB, and no browser would show it: take the "
                             "sessions out of it that matter, for example with grep");
    }
  }
}

std::expected<std::string, std::string> read_log_text(const std::string& path) {
  if (path == "-") return read_all(STDIN_FILENO, "on standard input");
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    return std::unexpected("cannot read the log " + quoted(path) + ": " + std::strerror(errno));
  }
  return read_all(file.get(), quoted(path));
}

Error write_all(int fd, std::string_view text, const std::string& name) {
  while (!text.empty()) {
    const auto written = write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) {
      return "cannot write the page " + name + ": " + std::strerror(errno);
    }
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Error cannot_write(const std::string& path) {
  return "cannot write the page " + quoted(path) + ": " + std::strerror(errno);
}

// Nobody finds half a page: it is written beside its place and moved there when it is whole.
Error replace_file(const std::string& path, std::string_view text) {
  const auto draft = path + "." + std::to_string(getpid()) + ".tmp";
  const Descriptor file(open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
  if (file.get() < 0) return cannot_write(path);
  auto error = write_all(file.get(), text, quoted(path));
  if (!error && rename(draft.c_str(), path.c_str()) != 0) error = cannot_write(path);
  if (error) unlink(draft.c_str());
  return error;
}

Error write_page(const std::string& path, std::string_view text) {
  if (path == "-") return write_all(STDOUT_FILENO, text, "to standard output");
  std::error_code error;
  const auto real = fs::canonical(path, error);  // the file behind a symbolic link
  const auto place = error ? path : real.string();
  const auto status = fs::status(place, error);
  if (!fs::exists(status) || fs::is_regular_file(status)) return replace_file(place, text);
  const Descriptor device(open(place.c_str(), O_WRONLY | O_CLOEXEC));  // a pipe, /dev/stdout
  if (device.get() < 0) return cannot_write(path);
  return write_all(device.get(), text, quoted(path));
}

std::string log_of(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error) ? (fs::path(path) / "session.jsonl").string() : path;
}

std::string output_of(const ReportOptions& options, const std::string& log) {
  if (!options.output.empty()) return options.output;
  return log == "-" ? "-" : fs::path(log).replace_extension(".html").string();
}

std::string title_of(const ReportOptions& options) {
  if (!options.title.empty()) return options.title;
  if (options.log == "-") return "FTP sessions";
  const fs::path path(options.log);
  const auto name = path.has_filename() ? path.filename() : path.parent_path().filename();
  return "FTP sessions in " + name.string();
}

Error report(const ReportOptions& options) {
  const auto log = log_of(options.log);
  const auto output = output_of(options, log);
  std::error_code error;
  if (log != "-" && output != "-" && fs::equivalent(log, output, error)) {
    return "the page would overwrite the log " + quoted(log) + ": name another file with -o";
  }
  const auto text = read_log_text(log);
  if (!text) return text.error();
  const auto title = title_of(options);
  const auto page = html_page({title, *text});
  if (page.records == 0 && page.bad_lines > 0) {
    return "no line of " + (log == "-" ? "standard input" : quoted(log)) +
           " is a record: a log is needed, as ftpscope proxy --log or analyze --json write it";
  }
  if (auto failure = write_page(output, page.text)) return failure;
  if (output == "-") return {};
  std::cout << "ftpscope: " << output << ": " << page.records << " records";
  if (page.bad_lines > 0) {
    std::cout << ", " << page.bad_lines << (page.bad_lines == 1 ? " line was" : " lines were")
              << " none";
  }
  std::cout << '\n';
  return {};
}

}  // namespace

int run_report(const ReportOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto error = report(options);
  if (!error) return 0;
  std::cerr << "ftpscope: " << *error << '\n';
  return kExitUsage;
}

}  // namespace ftpscope
