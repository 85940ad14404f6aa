#include "proxy/io/expectation_options.h"

#include <CLI/CLI.hpp>

#include "proxy/io/input_file.h"

namespace ftpscope {

namespace {

constexpr std::size_t kFileMax = std::size_t{1} << 20U;  // bytes of an --expect-file

std::string read_text(const std::string& path) {
  const auto fail = [](const std::string& sentence) {
    throw CLI::ValidationError("--expect-file", sentence);
  };
  auto input = InputFile::open(path);
  if (!input) fail(input.error());
  std::string text;
  const auto read = input->read([&](std::string_view available, bool) {
    if (text.size() + available.size() > kFileMax) fail(path + " is larger than 1 MiB");
    text.append(available);
    return available.size();
  });
  if (!read) fail(read.error());
  return text;
}

}  // namespace

void add_expectations(CLI::App& app, std::vector<Expectation>& expectations) {
  const auto one = [&expectations](const std::vector<std::string>& texts) {
    for (const auto& text : texts) {
      auto expectation = parse_expectation(text);
      if (!expectation) throw CLI::ValidationError("--expect", expectation.error());
      expectations.push_back(std::move(*expectation));
    }
  };
  const auto file = [&expectations](const std::string& path) {
    auto all = parse_expectations(read_text(path));
    if (!all) throw CLI::ValidationError("--expect-file", path + ", " + all.error());
    for (auto& expectation : *all) expectations.push_back(std::move(expectation));
  };
  app.add_option_function<std::vector<std::string>>(
         "--expect", one,
         "what must have happened, as 'RETR /a: 226', 'FEAT: 211 /MLSD/', 'LIST: any',\n"
         "'DELE: never'; may be given several times; exit with 3 when it did not")
      ->allow_extra_args(false)
      ->type_name("TEXT")
      ->group("Expectations");
  app.add_option_function<std::string>("--expect-file", file, "the same from a file, one a line")
      ->type_name("FILE")
      ->group("Expectations");
}

}  // namespace ftpscope
