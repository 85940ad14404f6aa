#include "proxy/replay_place.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "proxy/replay_script.h"

namespace ftpscope {

namespace {

enum class About : std::uint8_t { argument, path, listing, folder };

About about(std::string_view verb) {
  constexpr auto kPaths =
      std::to_array<std::string_view>({"RETR", "STOR", "APPE", "SIZE", "MDTM", "DELE", "RMD", "MKD",
                                       "RNFR", "RNTO", "CWD", "MLST"});
  if (std::ranges::find(kPaths, verb) != kPaths.end()) return About::path;
  if (verb == "LIST" || verb == "NLST" || verb == "MLSD") return About::listing;
  return verb == "PWD" || verb == "CDUP" ? About::folder : About::argument;
}

// RFC 775's spellings mean the same.
std::string_view usual_name(std::string_view verb) {
  constexpr std::array<std::array<std::string_view, 2>, 5> kOld{
      {{"XCUP", "CDUP"}, {"XCWD", "CWD"}, {"XMKD", "MKD"}, {"XPWD", "PWD"}, {"XRMD", "RMD"}}};
  const auto row = std::ranges::find(kOld, verb, [](const auto& pair) { return pair[0]; });
  return row == kOld.end() ? verb : (*row)[1];
}

// "-la pub" lists the same as "pub".
std::string_view without_options(std::string_view argument) {
  while (argument.starts_with('-')) {
    const auto end = std::min(argument.find(' '), argument.size());
    argument.remove_prefix(end);
    argument.remove_prefix(std::min(argument.find_first_not_of(' '), argument.size()));
  }
  return argument;
}

bool depends_on_type(std::string_view verb) {
  return verb == "RETR" || verb == "STOR" || verb == "APPE" || verb == "SIZE";
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return result;
}

}  // namespace

std::string quoted_path(std::string_view reply) {
  const auto begin = reply.find('"');
  if (begin == reply.npos) return {};
  std::string path;
  for (auto i = begin + 1; i < reply.size(); ++i) {
    if (reply[i] == '"' && (i + 1 == reply.size() || reply[i + 1] != '"')) return path;
    if (reply[i] == '"') ++i;
    path += reply[i];
  }
  return {};
}

std::string ReplayPlace::home_of(const ReplayScript& script) {
  for (const auto& exchange : script.exchanges) {
    const auto verb = usual_name(exchange.verb);
    if (verb == "CWD" || verb == "CDUP") break;
    const auto* reply = exchange.final_reply();
    if (verb != "PWD" || !reply || reply->code != 257) continue;
    const auto path = quoted_path(reply->raw);
    if (!path.empty()) return path;
  }
  return "/";
}

std::string ReplayPlace::path_of(std::string_view argument) const {
  std::string whole;
  if (!argument.starts_with('/')) whole = folder_ + "/";
  whole += argument;
  std::vector<std::string_view> parts;
  for (std::string_view rest = whole; !rest.empty();) {
    const auto part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(part);
  }
  std::string path;
  for (const auto part : parts) path.append("/").append(part);
  return path.empty() ? "/" : path;
}

std::string ReplayPlace::path_named(std::string_view verb, std::string_view argument) const {
  switch (about(usual_name(verb))) {
    case About::path: return path_of(argument);
    case About::listing: return path_of(without_options(argument));
    case About::folder: return folder_;
    case About::argument: break;
  }
  return {};
}

std::string ReplayPlace::key(std::string_view verb, std::string_view argument,
                             Precision precision) const {
  verb = usual_name(verb);
  std::string key(verb);
  key += '\n';
  const auto path = path_named(verb, argument);
  key += path.empty() ? argument : std::string_view(path);
  key += '\n' + std::to_string(static_cast<int>(precision));
  if (!depends_on_type(verb)) return key;
  if (precision == Precision::exact) key += '\n' + type_;
  if (precision != Precision::any_offset && verb != "SIZE") key += '\n' + std::to_string(offset_);
  return key;
}

void ReplayPlace::answered(std::string_view verb, std::string_view argument,
                           std::string_view reply) {
  verb = usual_name(verb);
  const auto* known = find_verb(verb);
  if (known && is_transfer(known->meaning)) offset_ = 0;
  const bool done = reply.starts_with('2');
  if (verb == "CWD" && done) folder_ = path_of(argument);
  if (verb == "CDUP" && done) folder_ = path_of("..");
  if (verb == "TYPE" && done) type_ = upper(argument.substr(0, 1));
  if (verb == "PWD" && done) {
    if (auto path = quoted_path(reply); !path.empty()) folder_ = std::move(path);
  }
  if (verb == "REST" && reply.starts_with('3')) {
    offset_ = 0;
    std::from_chars(argument.data(), argument.data() + argument.size(), offset_);
  }
}

}  // namespace ftpscope
