#include "analyzer/record_json.h"

#include <algorithm>

#include "analyzer/json_text.h"

namespace ftpscope {

namespace {

void append_number(std::string& out, unsigned value, int width) {
  char digits[8];
  for (int i = width - 1; i >= 0; --i, value /= 10) digits[i] = static_cast<char>('0' + value % 10);
  out.append(digits, static_cast<std::size_t>(width));
}

// The calendar part of a time changes once a second, and records come by the thousand in it.
struct FormattedSecond {
  std::chrono::sys_seconds second;
  std::string text;  // all of a time; its microseconds are overwritten
};
thread_local FormattedSecond last_second;

// Good until the next one.
std::string_view text_of(Timestamp time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  auto& [cached_second, cached] = last_second;
  if (cached.empty() || second != cached_second) {
    const auto day = std::chrono::floor<std::chrono::days>(second);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(second - day);
    cached.clear();
    append_number(cached, static_cast<unsigned>(static_cast<int>(date.year())), 4);
    cached += '-';
    append_number(cached, static_cast<unsigned>(date.month()), 2);
    cached += '-';
    append_number(cached, static_cast<unsigned>(date.day()), 2);
    cached += 'T';
    append_number(cached, static_cast<unsigned>(clock.hours().count()), 2);
    cached += ':';
    append_number(cached, static_cast<unsigned>(clock.minutes().count()), 2);
    cached += ':';
    append_number(cached, static_cast<unsigned>(clock.seconds().count()), 2);
    cached += ".000000Z";
    cached_second = second;
  }
  auto micros = static_cast<unsigned>((time - second).count());
  constexpr std::size_t kLastDigit = 25;
  for (auto at = kLastDigit; at > kLastDigit - 6; --at, micros /= 10) {
    cached[at] = static_cast<char>('0' + micros % 10);
  }
  return cached;
}

void time_field(JsonObject& object, std::string_view key, std::optional<Timestamp> time) {
  time ? object.word(key, text_of(*time)) : object.null(key);
}

void endpoint_field(JsonObject& object, std::string_view key, const Endpoint& endpoint) {
  object.word(key, to_text(endpoint));
}

void leg_field(JsonObject& object, std::string_view key, const std::optional<Leg>& leg) {
  if (!leg) {
    object.null(key);
    return;
  }
  JsonObject inner(object.name(key));
  endpoint_field(inner, "from", leg->from);
  endpoint_field(inner, "to", leg->to);
}

template <class T>
void number_or_null(JsonObject& object, std::string_view key, const std::optional<T>& value) {
  value ? object.number(key, *value) : object.null(key);
}

template <class T>
void name_or_null(JsonObject& object, std::string_view key, const std::optional<T>& value) {
  value ? object.word(key, name_of(*value)) : object.null(key);
}

void word_or_null(JsonObject& object, std::string_view key, std::string_view word) {
  word.empty() ? object.null(key) : object.word(key, word);
}

// Whoever is none of the two is the proxy, and where there is none, nobody.
void party_field(JsonObject& object, std::string_view key, std::optional<Side> side,
                 bool captured) {
  if (!side && captured) return object.null(key);
  object.word(key, side ? name_of(*side) : "proxy");
}

void flag_or_null(JsonObject& object, std::string_view key, std::optional<bool> value) {
  value ? object.flag(key, *value) : object.null(key);
}

void texts_field(JsonObject& object, std::string_view key,
                 std::span<const std::string_view> texts) {
  auto& out = object.name(key);
  out += '[';
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out += ',';
    append_json_bytes(out, texts[i]);
  }
  out += ']';
}

void endings_field(JsonObject& object, std::span<const Ending> endings) {
  if (std::ranges::all_of(endings, [](Ending e) { return e == Ending::crlf; })) return;
  auto& out = object.name("endings");
  out += '[';
  for (std::size_t i = 0; i < endings.size(); ++i) {
    if (i > 0) out += ',';
    out.append("\"").append(name_of(endings[i])).append("\"");
  }
  out += ']';
}

void body_fields(JsonObject& o, const record::Session& r) {
  o.number("schema", kSchemaVersion);
  endpoint_field(o, "client", r.client);
  r.proxy ? endpoint_field(o, "proxy", *r.proxy) : o.null("proxy");
  o.text("server", r.server);
  word_or_null(o, "lines", r.lines);
  word_or_null(o, "tls", r.tls);
  if (r.balancer) endpoint_field(o, "balancer", *r.balancer);
  if (r.reached) endpoint_field(o, "reached", *r.reached);
}

void body_fields(JsonObject& o, const record::Connected& r) {
  endpoint_field(o, "server", r.server);
  endpoint_field(o, "from", r.from);
  if (!r.name.empty()) o.text("name", r.name);
  if (!r.proxy_header.empty()) o.word("proxy_header", r.proxy_header);
}

void body_fields(JsonObject& o, const record::Command& r) {
  o.number("id", r.id);
  o.bytes("verb", r.verb);
  if (r.argument) o.bytes("argument", *r.argument);
  if (!r.known) o.flag("known", false);
  if (r.redacted) o.flag("redacted", true);
  if (r.urgent) o.flag("urgent", true);
  if (r.by_proxy) o.word("by", "proxy");
  if (r.line) o.bytes("line", *r.line);
}

void body_fields(JsonObject& o, const record::Reply& r) {
  number_or_null(o, "to", r.to);
  r.to ? o.bytes("verb", r.verb) : o.null("verb");
  number_or_null(o, "code", r.code);
  if (r.preliminary) o.flag("preliminary", true);
  if (r.by_proxy) o.word("by", "proxy");
  if (r.for_proxy) o.word("for", "proxy");
  texts_field(o, "lines", r.lines);
  endings_field(o, r.endings);
  if (r.redacted) o.flag("redacted", true);
  r.latency ? o.number("latency_us", r.latency->count()) : o.null("latency_us");
}

void body_fields(JsonObject& o, const record::ReplyPart& r) {
  number_or_null(o, "to", r.to);
  number_or_null(o, "code", r.code);
  texts_field(o, "lines", r.lines);
  endings_field(o, r.endings);
}

void body_fields(JsonObject& o, const record::Rewrite& r) {
  number_or_null(o, "to", r.to);
  o.bytes("what", r.what);
  o.bytes("before", r.before);
  o.bytes("after", r.after);
  o.text("why", r.why);
}

void body_fields(JsonObject& o, const record::ChannelExposed& r) {
  o.number("id", r.id);
  o.number("to", r.to);
  o.word("event", "exposed");
  o.word("setup", name_of(r.setup));
  o.word("facing", name_of(r.facing));
  endpoint_field(o, "address", r.address);
  r.target ? endpoint_field(o, "target", *r.target) : o.null("target");
}

void body_fields(JsonObject& o, const record::ChannelOpened& r) {
  o.number("id", r.id);
  number_or_null(o, "to", r.to);
  o.word("event", "opened");
  o.word("setup", name_of(r.setup));
  leg_field(o, "client", r.client);
  leg_field(o, "server", r.server);
}

void body_fields(JsonObject& o, const record::Data& r) {
  o.number("id", r.id);
  number_or_null(o, "to", r.to);
  r.to ? o.word("verb", r.verb) : o.null("verb");
  o.word("setup", name_of(r.setup));
  name_or_null(o, "direction", r.direction);
  leg_field(o, "client", r.client);
  leg_field(o, "server", r.server);
  o.number("bytes", bytes_of(r));
  o.number("bytes_to_client", r.bytes_to_client);
  o.number("bytes_to_server", r.bytes_to_server);
  time_field(o, "exposed", r.exposed);
  time_field(o, "connected", r.connected);
  time_field(o, "first_byte", r.first_byte);
  time_field(o, "last_byte", r.last_byte);
  const auto duration = duration_of(r);
  duration ? o.number("duration_us", duration->count()) : o.null("duration_us");
  number_or_null(o, "rate", rate_of(r));
  party_field(o, "closed_first", r.closed_first, r.captured);
  o.word("how", name_of(r.how));
  if (!r.why.empty()) o.text("why", r.why);
  o.number("strangers", r.strangers);
  if (r.path == DataPathKind::kernel) o.word("path", "kernel");
  if (r.silence) o.number("silence_us", r.silence->count());
  if (r.missing > 0) o.number("missing", r.missing);
  if (!r.payload.empty()) o.text("payload", r.payload);
  if (!r.sha256.empty()) o.word("sha256", r.sha256);
  if (!r.type.empty()) o.text("type", r.type);
  if (r.unrecorded > 0) {
    o.number("unrecorded", r.unrecorded);
    o.text("unrecorded_why", r.unrecorded_why);
  }
}

void body_fields(JsonObject& o, const record::Finding& r) {
  const auto& row = row_of(r.id);
  o.word("finding", row.name);
  o.word("severity", name_of(row.severity));
  o.word("blame", name_of(blame_of(row, r.detail)));
  o.text("source", row.source);
  o.text("title", row.title);
  o.bytes("detail", r.detail);
  number_or_null(o, "to", r.to);
}

void body_fields(JsonObject& o, const record::Opaque& r) { number_or_null(o, "to", r.to); }

void body_fields(JsonObject& o, const record::Tls& r) {
  number_or_null(o, "channel", r.channel);
  word_or_null(o, "version", r.version);
  r.sni.empty() ? o.null("sni") : o.bytes("sni", r.sni);
  texts_field(o, "alpn", r.alpn);
  texts_field(o, "names", r.names);
  flag_or_null(o, "resumed", r.resumed);
  flag_or_null(o, "carried_data", r.carried_data);
  JsonObject notify(o.name("close_notify"));
  flag_or_null(notify, "client", r.close_notify_client);
  flag_or_null(notify, "server", r.close_notify_server);
}

void body_fields(JsonObject& o, const record::Gap& r) {
  o.word("from", name_of(r.from));
  o.number("bytes", r.bytes);
}

void body_fields(JsonObject& o, const record::Overlap& r) {
  o.word("from", name_of(r.from));
  o.bytes("kept", r.kept);
  o.bytes("other", r.other);
}

void body_fields(JsonObject& o, const record::Damage& r) {
  o.number("packet", r.packet);
  o.number("offset", r.offset);
  o.text("what", r.what);
}

void body_fields(JsonObject& o, const record::Capture& r) {
  o.number("packets", r.packets);
  o.number("bytes", r.bytes);
  o.number("flows", r.flows);
  o.number("sessions", r.sessions);
  o.number("skipped", r.skipped);
  time_field(o, "first", r.first);
  time_field(o, "last", r.last);
}

void body_fields(JsonObject& o, const record::Lost& r) { o.number("records_lost", r.records); }

void body_fields(JsonObject& o, const record::End& r) {
  party_field(o, "by", r.by, r.captured);
  o.word("how", name_of(r.how));
  o.bytes("why", r.why);
  o.number("commands", r.commands);
  o.number("replies", r.replies);
  o.number("channels", r.channels);
  o.number("findings", r.findings);
  o.number("bytes_from_client", r.bytes_from_client);
  o.number("bytes_from_server", r.bytes_from_server);
  o.number("data_to_client", r.data_to_client);
  o.number("data_to_server", r.data_to_server);
  o.number("duration_us", r.duration.count());
}

std::string_view kind_of(const record::Session&) { return "session"; }
std::string_view kind_of(const record::Connected&) { return "connected"; }
std::string_view kind_of(const record::Command&) { return "command"; }
std::string_view kind_of(const record::Reply&) { return "reply"; }
std::string_view kind_of(const record::ReplyPart&) { return "reply_part"; }
std::string_view kind_of(const record::Rewrite&) { return "rewrite"; }
std::string_view kind_of(const record::ChannelExposed&) { return "channel"; }
std::string_view kind_of(const record::ChannelOpened&) { return "channel"; }
std::string_view kind_of(const record::Data&) { return "data"; }
std::string_view kind_of(const record::Finding&) { return "finding"; }
std::string_view kind_of(const record::Opaque&) { return "opaque"; }
std::string_view kind_of(const record::Tls&) { return "tls"; }
std::string_view kind_of(const record::Gap&) { return "gap"; }
std::string_view kind_of(const record::Overlap&) { return "overlap"; }
std::string_view kind_of(const record::Damage&) { return "damage"; }
std::string_view kind_of(const record::Capture&) { return "capture"; }
std::string_view kind_of(const record::Lost&) { return "lost"; }
std::string_view kind_of(const record::End&) { return "end"; }

}  // namespace

void append_time(std::string& out, Timestamp time) { out += text_of(time); }

void append_json(std::string& out, const Record& record) {
  {
    JsonObject object(out);
    time_field(object, "ts", record.time);
    object.word("session", record.session);
    object.number("seq", record.seq);
    std::visit(
        [&object](const auto& body) {
          object.word("kind", kind_of(body));
          body_fields(object, body);
        },
        record.body);
  }
  out += '\n';
}

}  // namespace ftpscope
