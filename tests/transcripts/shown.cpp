#include "tests/transcripts/shown.h"

#include <algorithm>

#include "tests/transcripts/notation.h"

namespace ftpscope::transcripts {

namespace {

std::string to_whom(std::optional<CommandId> to) {
  return to ? " to " + std::to_string(*to) : std::string(" to nobody");
}

std::string short_form(const record::Finding& finding) {
  std::string text = ": " + std::string(row_of(finding.id).name);
  if (finding.to) text += to_whom(finding.to);
  if (!finding.detail.empty()) text += ", " + escaped(finding.detail);
  return text;
}

std::string short_form(const record::Reply& reply) {
  std::string text =
      ": reply " + (reply.code ? std::to_string(*reply.code) : std::string("without code"));
  text += to_whom(reply.to);
  if (reply.to) text += " " + (reply.verb.empty() ? "(an empty line)" : escaped(reply.verb));
  if (reply.lines.size() != 1) text += ", " + std::to_string(reply.lines.size()) + " lines";
  if (reply.redacted) text += ", redacted";
  if (reply.by_proxy) text += ", by the proxy";
  if (reply.for_proxy) text += ", for the proxy";
  return text;
}

std::string short_form(const record::ReplyPart& part) {
  return ": part of reply " + (part.code ? std::to_string(*part.code) : std::string("?")) +
         to_whom(part.to) + ", " + std::to_string(part.lines.size()) + " lines";
}

std::string short_form(const record::Command& command) {
  std::string text = ": command " + std::to_string(command.id) + " " + escaped(command.verb);
  if (command.argument) text += " [" + escaped(*command.argument) + "]";
  if (!command.known) text += ", unknown";
  if (command.redacted) text += ", redacted";
  if (command.urgent) text += ", urgent";
  if (command.by_proxy) text += ", by the proxy";
  if (command.line) text += ", line [" + escaped(*command.line) + "]";
  return text;
}

std::string short_form(const record::Rewrite& rewrite) {
  return ": rewrite " + escaped(rewrite.what) + to_whom(rewrite.to) + " [" +
         escaped(rewrite.before) + "] [" + escaped(rewrite.after) + "]";
}

std::string short_form(const record::Data& data) {
  std::string text = ": data " + std::to_string(data.id);
  if (data.to) text += to_whom(data.to) + " " + std::string(data.verb);
  text += ", " + std::string(name_of(data.setup));
  if (data.direction) text += " " + std::string(name_of(*data.direction));
  text += ", " + std::to_string(data.bytes_to_client) + " to client, " +
          std::to_string(data.bytes_to_server) + " to server, ended by " +
          std::string(data.closed_first ? name_of(*data.closed_first) : "proxy") + " " +
          std::string(name_of(data.how));
  if (!data.why.empty()) text += ", " + std::string(data.why);
  if (data.strangers > 0) text += ", " + std::to_string(data.strangers) + " strangers";
  return text;
}

std::string short_form(const record::End& end) {
  std::string text = ": end by " + std::string(end.by ? name_of(*end.by) : "proxy") + " " +
                     std::string(name_of(end.how));
  if (!end.why.empty()) text += ", " + escaped(end.why);
  return text + ", " + std::to_string(end.commands) + " commands, " + std::to_string(end.replies) +
         " replies, " + std::to_string(end.bytes_from_client) + " bytes from client, " +
         std::to_string(end.bytes_from_server) + " from server";
}

std::string short_form(const record::Opaque& opaque) { return ": opaque" + to_whom(opaque.to); }

// {"ts":..,"session":..,"seq":..,"kind":...}: what comes before the kind is the same in every run.
std::string without_stamp(std::string_view json) {
  json = json.substr(json.find("\"kind\""));
  return "{" + std::string(json.substr(0, json.find_last_not_of('\n') + 1));
}

}  // namespace

std::string kind_in(std::string_view json) {
  constexpr std::string_view kKey = "\"kind\":\"";
  const auto value = json.substr(json.find(kKey) + kKey.size());
  return std::string(value.substr(0, value.find('"')));
}

std::optional<std::string> shown_record(const Record& record, std::string_view json,
                                        const Settings& settings) {
  const auto& kinds = settings.show_kinds;
  const bool asked = std::ranges::find(kinds, kind_in(json)) != kinds.end() ||
                     std::ranges::find(kinds, "all") != kinds.end();
  if (!asked) return std::nullopt;
  if (settings.show_json) return without_stamp(json);
  return std::visit(
      [json](const auto& body) -> std::string {
        if constexpr (requires { short_form(body); }) return short_form(body);
        return without_stamp(json);
      },
      record.body);
}

}  // namespace ftpscope::transcripts
