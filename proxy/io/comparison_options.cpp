#include "proxy/io/comparison_options.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <utility>

#include "proxy/io/option_kinds.h"

namespace ftpscope {

namespace {

void set_slower_than(ComparisonOptions& options, std::string text) {
  if (text.ends_with('x')) text.pop_back();
  double factor = 0;
  const bool number = CLI::detail::lexical_cast(text, factor);
  constexpr double kMost = 1e6;
  if (!number || !(factor >= 1) || factor > kMost) {
    throw CLI::ValidationError("--slower-than", "needs a factor of 1 or more, as in 2x");
  }
  options.slower_than = factor;
}

void fit_to_terminal(ComparisonTextOptions& text) {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  text.colour = terminal && std::getenv("NO_COLOR") == nullptr;
  winsize size{};
  if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    text.width = size.ws_col;
  }
}

}  // namespace

void add_comparison(CLI::App& app, ComparisonOptions& options) {
  const auto level = [&options](const std::string& text) {
    options.level = text == "code"   ? CompareLevel::code
                    : text == "text" ? CompareLevel::text
                                     : CompareLevel::exact;
  };
  app.add_option_function<std::string>(
         "--compare", level,
         "code: the codes of replies; text: their texts too, but no times,\n"
         "addresses, counts and speeds; exact: every byte")
      ->check(CLI::IsMember({"code", "text", "exact"}).description(""))
      ->default_str("text")
      ->type_name("code|text|exact")
      ->group("Comparison");
  const auto slower = [&options](const std::string& text) { set_slower_than(options, text); };
  app.add_option_function<std::string>(
         "--slower-than", slower, "a reply that takes this many times as long in B is a difference")
      ->type_name("FACTOR")
      ->group("Comparison");
}

CLI::Option* add_substitutions(CLI::App& app, std::vector<Substitution>& substitutions,
                               const std::string& description) {
  const auto add = [&substitutions](const std::vector<std::string>& texts) {
    for (const auto& text : texts) {
      auto parsed = parse_substitution(text);
      if (!parsed) throw CLI::ValidationError("--substitute", parsed.error());
      substitutions.push_back(std::move(*parsed));
    }
  };
  return app.add_option_function<std::vector<std::string>>("--substitute", add, description)
      ->allow_extra_args(false)
      ->type_name("FROM=TO");
}

void add_comparison_output(CLI::App& app, ComparisonOutput& output) {
  fit_to_terminal(output.text);
  auto* json = app.add_flag("--json", output.json, "print one JSON object a line")->group("Output");
  app.add_flag("--side-by-side", output.text.side_by_side, "print A and B in two columns")
      ->excludes(json)
      ->group("Output");
  app.add_flag("--all", output.text.all, "print what is the same too")->group("Output");
  app.add_option("--junit", output.junit, "write JUnit XML to this file, for a CI; - is stdout")
      ->type_name("FILE")
      ->group("Output");
  app.add_option("--html", output.html, "write a page with both, side by side; - is stdout")
      ->type_name("FILE")
      ->group("Output");
  add_count(app, "--width", output.text.width, "columns of a line", 60, 1000)->group("Output");
  const auto colour = [&output](const std::string& text) {
    if (text != "auto") output.text.colour = text == "always";
  };
  app.add_option_function<std::string>("--colour", colour, "auto: on a terminal")
      ->check(CLI::IsMember({"auto", "always", "never"}).description(""))
      ->default_str("auto")
      ->type_name("auto|always|never")
      ->group("Output");
}

}  // namespace ftpscope
