// Transcripts: text files in which a session is written as it happens, and what must come out of
// it. README.md in this folder tells how to write one.
//
// A Script is the flush-left half of such a file. play() feeds it to an Interceptor through Effects
// that do nothing but write down what they are told; regenerate() puts the two halves together
// again.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/interceptor.h"

namespace ftpscope::transcripts {

struct Settings {
  InterceptorOptions options;
  bool rewriters = true;
  std::vector<Setup> refused_before;  // by this server, in earlier sessions
  bool connected = true;              // both connections are up before the first line
  bool forward = false;               // the login names the server
  bool show_waits = false;
  bool show_json = false;
  std::vector<std::string> show_kinds{"finding"};  // of records
  std::string server_name;                         // as asked for
  Endpoint client;
  Endpoint proxy;
  std::optional<Endpoint> balancer;
  std::optional<Endpoint> reached;
  Endpoint server;
  Endpoint from;
};

struct Step {
  enum class Kind : std::uint8_t { nothing, bytes, closed, reset, passes, happens };
  Kind kind = Kind::nothing;
  std::string text;  // as written
  Side side = Side::client;
  std::string bytes;
  bool urgent = false;
  Duration time{};
  std::vector<std::string> words;  // of `! ...`
};

struct Script {
  Settings settings;
  std::vector<Step> steps;
};

// What came out of one step.
struct Outcome {
  std::array<std::string, 2> sent;                 // by the side it goes to
  std::array<std::vector<std::size_t>, 2> urgent;  // offsets in `sent`
  std::vector<std::string> deeds;                  // the other effects
  std::vector<std::string> records;                // as JSON lines
  std::vector<std::string> shown;                  // the indented lines
  bool operator==(const Outcome&) const = default;
};

struct Run {
  std::vector<Outcome> outcomes;  // one a step
  bool ended = false;
};

// How the bytes of a step arrive: the pieces in their order, together all of them.
using Cutter =
    std::function<std::vector<std::string_view>(std::size_t step, std::string_view bytes)>;
std::vector<std::string_view> uncut(std::size_t step, std::string_view bytes);

// Throws std::runtime_error, with the line, when the text is no transcript.
Script parse_script(std::string_view text);
Run play(const Script& script, const Cutter& cutter = uncut);
std::string regenerate(const Script& script, const Run& run);

struct TranscriptFile {
  std::filesystem::path path;
  std::string name;  // below the folder
  std::string text;
};
std::vector<TranscriptFile> all_transcripts();

}  // namespace ftpscope::transcripts
