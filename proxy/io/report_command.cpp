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
#include "proxy/io/descriptor.h"
#include "proxy/io/options.h"
#include "proxy/io/output_file.h"

namespace ftpscope {

namespace {

namespace fs = std::filesystem;
using Error = std::optional<std::string>;  // a sentence; none: it went well

std::string quoted(const std::string& path) { return "'" + path + "'"; }

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
  if (auto failure = write_output("the page", output, page.text)) return failure;
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
