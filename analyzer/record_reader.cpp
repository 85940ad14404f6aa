#include "analyzer/record_reader.h"

#include <algorithm>
#include <utility>

#include "analyzer/json_fields.h"
#include "analyzer/record_json.h"

namespace ftpscope {

// Fills one OwnedRecord from one JSON object: a function a kind, in the order of record.h.
class RecordReader {
 public:
  explicit RecordReader(JsonFields& fields) : fields_(fields) {}

  OwnedRecord read();

 private:
  using Read = record::Body (RecordReader::*)();
  struct Kind {
    std::string_view name;
    Read read;
  };
  static const Kind kKinds[];

  record::Body body();
  record::Body session();
  record::Body connected();
  record::Body command();
  record::Body reply();
  record::Body reply_part();
  record::Body rewrite();
  record::Body channel();
  record::Body data();
  record::Body finding();
  record::Body opaque();
  record::Body tls();
  record::Body gap();
  record::Body overlap();
  record::Body damage();
  record::Body capture();
  record::Body lost();
  record::Body end();

  std::string_view keep(std::string text) { return owned_.texts_.emplace_back(std::move(text)); }
  std::string_view text(std::string_view key) { return keep(fields_.text(key)); }
  std::string_view bytes(std::string_view key) { return keep(fields_.bytes(key)); }
  std::string_view bytes_or_nothing(std::string_view key) {
    return fields_.has(key) ? bytes(key) : std::string_view{};
  }
  std::string_view text_or_nothing(std::string_view key) {
    return fields_.has(key) ? text(key) : std::string_view{};
  }
  std::optional<bool> flag_or_null(JsonFields& fields, std::string_view key) {
    return fields.has(key) ? std::optional(fields.flag(key)) : std::nullopt;
  }
  std::span<const std::string_view> texts(std::string_view key);
  void read_lines();
  bool is_proxy(std::string_view key) { return fields_.has(key) && fields_.text(key) == "proxy"; }
  std::optional<Endpoint> endpoint_or_null(std::string_view key) {
    return fields_.has(key) ? std::optional(fields_.endpoint(key)) : std::nullopt;
  }
  // "proxy", or null, is neither of them.
  std::optional<Side> side_or_proxy(std::string_view key);

  JsonFields& fields_;
  OwnedRecord owned_;
};

const RecordReader::Kind RecordReader::kKinds[] = {
    {"session", &RecordReader::session},
    {"connected", &RecordReader::connected},
    {"command", &RecordReader::command},
    {"reply", &RecordReader::reply},
    {"reply_part", &RecordReader::reply_part},
    {"rewrite", &RecordReader::rewrite},
    {"channel", &RecordReader::channel},
    {"data", &RecordReader::data},
    {"finding", &RecordReader::finding},
    {"opaque", &RecordReader::opaque},
    {"tls", &RecordReader::tls},
    {"gap", &RecordReader::gap},
    {"overlap", &RecordReader::overlap},
    {"damage", &RecordReader::damage},
    {"capture", &RecordReader::capture},
    {"lost", &RecordReader::lost},
    {"end", &RecordReader::end},
};

OwnedRecord RecordReader::read() {
  owned_.record_.time = fields_.time("ts");
  owned_.record_.session = text("session");
  owned_.record_.seq = fields_.number<std::uint64_t>("seq");
  owned_.record_.body = body();
  return std::move(owned_);
}

record::Body RecordReader::body() {
  const auto name = fields_.text("kind");
  const auto* kind = std::ranges::find(kKinds, name, &Kind::name);
  if (kind != std::end(kKinds)) return (this->*kind->read)();
  fields_.wrong("kind", "'" + name + "' is unknown");
  return {};
}

std::span<const std::string_view> RecordReader::texts(std::string_view key) {
  auto& list = owned_.lists_.emplace_back();
  for (auto& text : fields_.list_of_bytes(key)) list.push_back(keep(std::move(text)));
  return list;
}

void RecordReader::read_lines() {
  for (auto& line : fields_.list_of_bytes("lines")) owned_.lines_.push_back(keep(std::move(line)));
  owned_.endings_ = fields_.endings("endings", owned_.lines_.size());
}

std::optional<Side> RecordReader::side_or_proxy(std::string_view key) {
  if (!fields_.has(key) || fields_.text(key) == "proxy") return std::nullopt;
  return fields_.named(key, Side::server);
}

record::Body RecordReader::session() {
  const auto schema = fields_.number<std::uint64_t>("schema");
  if (schema > kSchemaVersion) {
    fields_.wrong("schema", std::to_string(schema) + " is of a newer ftpscope, this one knows " +
                                std::to_string(kSchemaVersion));
  }
  return record::Session{.client = fields_.endpoint("client"),
                         .proxy = endpoint_or_null("proxy"),
                         .server = text("server"),
                         .lines = text_or_nothing("lines"),
                         .tls = text_or_nothing("tls"),
                         .balancer = endpoint_or_null("balancer"),
                         .reached = endpoint_or_null("reached")};
}

record::Body RecordReader::connected() {
  return record::Connected{fields_.endpoint("server"), fields_.endpoint("from"),
                           text_or_nothing("name"), text_or_nothing("proxy_header")};
}

record::Body RecordReader::command() {
  record::Command command;
  command.id = fields_.number<CommandId>("id");
  command.verb = bytes("verb");
  command.known = !fields_.has("known") || fields_.flag("known");
  if (fields_.has("argument")) command.argument = bytes("argument");
  if (fields_.has("line")) command.line = bytes("line");
  command.redacted = fields_.flag("redacted");
  command.urgent = fields_.flag("urgent");
  command.by_proxy = is_proxy("by");
  return command;
}

record::Body RecordReader::reply() {
  read_lines();
  const auto latency = fields_.number_or_null<Duration::rep>("latency_us");
  return record::Reply{.to = fields_.number_or_null<CommandId>("to"),
                       .verb = bytes_or_nothing("verb"),
                       .code = fields_.number_or_null<int>("code"),
                       .lines = owned_.lines_,
                       .endings = owned_.endings_,
                       .latency = latency ? std::optional(Duration(*latency)) : std::nullopt,
                       .preliminary = fields_.flag("preliminary"),
                       .by_proxy = is_proxy("by"),
                       .redacted = fields_.flag("redacted"),
                       .for_proxy = is_proxy("for")};
}

record::Body RecordReader::reply_part() {
  read_lines();
  return record::ReplyPart{.to = fields_.number_or_null<CommandId>("to"),
                           .code = fields_.number_or_null<int>("code"),
                           .lines = owned_.lines_,
                           .endings = owned_.endings_};
}

record::Body RecordReader::rewrite() {
  return record::Rewrite{.to = fields_.number_or_null<CommandId>("to"),
                         .what = bytes("what"),
                         .before = bytes("before"),
                         .after = bytes("after"),
                         .why = text("why")};
}

record::Body RecordReader::channel() {
  const auto event = fields_.text("event");
  const auto id = fields_.number<ChannelId>("id");
  const auto to = fields_.number_or_null<CommandId>("to");
  const auto setup = fields_.named("setup", Setup::unknown);
  if (event == "exposed") {
    if (!to) fields_.wrong("to", "is missing");
    return record::ChannelExposed{
        .id = id,
        .to = to.value_or(0),
        .setup = setup,
        .facing = fields_.named("facing", Side::server),
        .address = fields_.endpoint("address"),
        .target = fields_.has("target") ? std::optional(fields_.endpoint("target")) : std::nullopt};
  }
  if (event != "opened") fields_.wrong("event", "'" + event + "' is unknown");
  record::ChannelOpened opened{.id = id, .to = to, .setup = setup, .client = {}, .server = {}};
  if (const auto leg = fields_.leg_or_null("client")) opened.client = *leg;
  if (const auto leg = fields_.leg_or_null("server")) opened.server = *leg;
  return opened;
}

record::Body RecordReader::data() {
  record::Data data;
  data.id = fields_.number<ChannelId>("id");
  data.to = fields_.number_or_null<CommandId>("to");
  data.verb = bytes_or_nothing("verb");
  data.setup = fields_.named("setup", Setup::unknown);
  if (fields_.has("direction")) data.direction = fields_.named("direction", Direction::upload);
  data.client = fields_.leg_or_null("client");
  data.server = fields_.leg_or_null("server");
  data.bytes_to_client = fields_.number<std::uint64_t>("bytes_to_client");
  data.bytes_to_server = fields_.number<std::uint64_t>("bytes_to_server");
  data.exposed = fields_.time("exposed");
  data.connected = fields_.time_or_null("connected");
  data.first_byte = fields_.time_or_null("first_byte");
  data.last_byte = fields_.time_or_null("last_byte");
  // The record is written then, or later in a capture: a command may come late.
  data.closed = owned_.record_.time;
  const auto duration = fields_.number_or_null<Duration::rep>("duration_us");
  if (data.connected && duration && *duration >= 0) {
    const auto lasted = std::min(Duration(*duration), data.closed - *data.connected);
    data.closed = *data.connected + lasted;
  }
  data.closed_first = side_or_proxy("closed_first");
  data.how = fields_.named("how", ChannelEnd::open);
  data.why = text_or_nothing("why");
  data.strangers = fields_.number<std::uint32_t>("strangers");
  if (fields_.has("path")) data.path = DataPathKind::kernel;
  data.captured = !fields_.has("closed_first");
  if (const auto us = fields_.number_or_null<Duration::rep>("silence_us")) {
    data.silence = Duration(*us);
  }
  if (fields_.has("missing")) data.missing = fields_.number<std::uint64_t>("missing");
  data.payload = text_or_nothing("payload");
  data.sha256 = text_or_nothing("sha256");
  data.type = text_or_nothing("type");
  if (fields_.has("unrecorded")) {
    data.unrecorded = fields_.number<std::uint64_t>("unrecorded");
    data.unrecorded_why = text("unrecorded_why");
  }
  return data;
}

record::Body RecordReader::finding() {
  record::Finding finding;
  const auto name = fields_.text("finding");
  const auto rows = all_findings();
  const auto row = std::ranges::find(rows, name, &FindingRow::name);
  if (row != rows.end()) {
    finding.id = row->id;
  } else {
    fields_.wrong("finding", "'" + name + "' is unknown");
  }
  finding.to = fields_.number_or_null<CommandId>("to");
  finding.detail = bytes("detail");
  return finding;
}

record::Body RecordReader::opaque() {
  return record::Opaque{fields_.number_or_null<CommandId>("to")};
}

record::Body RecordReader::tls() {
  record::Tls tls;
  tls.channel = fields_.number_or_null<ChannelId>("channel");
  tls.version = text_or_nothing("version");
  tls.sni = bytes_or_nothing("sni");
  tls.alpn = texts("alpn");
  tls.names = texts("names");
  tls.resumed = flag_or_null(fields_, "resumed");
  tls.carried_data = flag_or_null(fields_, "carried_data");
  auto notify = fields_.object("close_notify");
  tls.close_notify_client = flag_or_null(notify, "client");
  tls.close_notify_server = flag_or_null(notify, "server");
  return tls;
}

record::Body RecordReader::gap() {
  return record::Gap{fields_.named("from", Side::server), fields_.number<std::uint64_t>("bytes")};
}

record::Body RecordReader::overlap() {
  return record::Overlap{fields_.named("from", Side::server), bytes("kept"), bytes("other")};
}

record::Body RecordReader::damage() {
  return record::Damage{fields_.number<std::uint64_t>("packet"),
                        fields_.number<std::uint64_t>("offset"), text("what")};
}

record::Body RecordReader::capture() {
  return record::Capture{.packets = fields_.number<std::uint64_t>("packets"),
                         .bytes = fields_.number<std::uint64_t>("bytes"),
                         .flows = fields_.number<std::uint64_t>("flows"),
                         .sessions = fields_.number<std::uint64_t>("sessions"),
                         .skipped = fields_.number<std::uint64_t>("skipped"),
                         .first = fields_.time_or_null("first"),
                         .last = fields_.time_or_null("last")};
}

record::Body RecordReader::lost() {
  return record::Lost{fields_.number<std::uint64_t>("records_lost")};
}

record::Body RecordReader::end() {
  return record::End{.by = side_or_proxy("by"),
                     .captured = !fields_.has("by"),
                     .how = fields_.named("how", SessionEnd::open),
                     .why = bytes("why"),
                     .commands = fields_.number<std::uint64_t>("commands"),
                     .replies = fields_.number<std::uint64_t>("replies"),
                     .channels = fields_.number<std::uint64_t>("channels"),
                     .findings = fields_.number<std::uint64_t>("findings"),
                     .bytes_from_client = fields_.number<std::uint64_t>("bytes_from_client"),
                     .bytes_from_server = fields_.number<std::uint64_t>("bytes_from_server"),
                     .data_to_client = fields_.number<std::uint64_t>("data_to_client"),
                     .data_to_server = fields_.number<std::uint64_t>("data_to_server"),
                     .duration = Duration(fields_.number<Duration::rep>("duration_us"))};
}

std::expected<OwnedRecord, std::string> read_record(std::string_view line) {
  if (line.size() > kLogLineMax) return std::unexpected("the line is too long");
  // nlohmann-json reports a syntax error by an exception only, if one wants to know where it is.
  try {
    const auto object = nlohmann::json::parse(line);
    if (!object.is_object()) return std::unexpected("a JSON object is expected");
    std::string error;
    JsonFields fields(object, {}, error);
    auto record = RecordReader(fields).read();
    if (!error.empty()) return std::unexpected(error);
    return record;
  } catch (const nlohmann::json::exception& problem) {
    return std::unexpected("not JSON: " + std::string(problem.what()));
  }
}

}  // namespace ftpscope
