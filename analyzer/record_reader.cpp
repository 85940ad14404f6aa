#include "analyzer/record_reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "analyzer/json_fields.h"
#include "analyzer/record_json.h"

namespace ftpscope {

struct RecordReader::Memory {
  JsonLine line;
  Record record;
  // What the spans in the record point to.
  std::vector<std::string_view> lines;
  std::vector<Ending> endings;
  std::vector<std::string_view> alpn;
  std::vector<std::string_view> names;
};

// Makes a record of the fields of one JSON object: a function a kind, in the order of record.h.
class RecordReader::Fields {
 public:
  Fields(JsonFields& fields, Memory& memory) : fields_(fields), memory_(memory) {}

  void read();

 private:
  using Read = void (Fields::*)();
  struct Kind {
    std::string_view name;
    Read read;
  };
  static const Kind kKinds[];

  void read_body();
  // Writes no more of the record than its kind has.
  template <auto kind>
  void put() {
    memory_.record.body = (this->*kind)();
  }
  record::Session session();
  record::Connected connected();
  record::Command command();
  record::Reply reply();
  record::ReplyPart reply_part();
  record::Rewrite rewrite();
  record::Body channel();
  record::Data data();
  record::Finding finding();
  record::Opaque opaque();
  record::Tls tls();
  record::Gap gap();
  record::Overlap overlap();
  record::Damage damage();
  record::Capture capture();
  record::Lost lost();
  record::End end();

  void read_lines();
  bool is_proxy(std::string_view key) { return fields_.text_or_nothing(key) == "proxy"; }
  // "proxy", or null, is neither of them.
  std::optional<Side> side_or_proxy(std::string_view key);

  JsonFields& fields_;
  Memory& memory_;
};

const RecordReader::Fields::Kind RecordReader::Fields::kKinds[] = {
    {"session", &Fields::put<&Fields::session>},
    {"connected", &Fields::put<&Fields::connected>},
    {"command", &Fields::put<&Fields::command>},
    {"reply", &Fields::put<&Fields::reply>},
    {"reply_part", &Fields::put<&Fields::reply_part>},
    {"rewrite", &Fields::put<&Fields::rewrite>},
    {"channel", &Fields::put<&Fields::channel>},
    {"data", &Fields::put<&Fields::data>},
    {"finding", &Fields::put<&Fields::finding>},
    {"opaque", &Fields::put<&Fields::opaque>},
    {"tls", &Fields::put<&Fields::tls>},
    {"gap", &Fields::put<&Fields::gap>},
    {"overlap", &Fields::put<&Fields::overlap>},
    {"damage", &Fields::put<&Fields::damage>},
    {"capture", &Fields::put<&Fields::capture>},
    {"lost", &Fields::put<&Fields::lost>},
    {"end", &Fields::put<&Fields::end>},
};

void RecordReader::Fields::read() {
  memory_.record.time = fields_.time("ts");
  memory_.record.session = fields_.word("session");
  memory_.record.seq = fields_.number<std::uint64_t>("seq");
  read_body();
}

void RecordReader::Fields::read_body() {
  const auto name = fields_.text("kind");
  const auto* kind = std::ranges::find(kKinds, name, &Kind::name);
  kind != std::end(kKinds) ? (this->*kind->read)() : fields_.unknown("kind", name);
}

void RecordReader::Fields::read_lines() {
  fields_.list_of_bytes("lines", memory_.lines);
  fields_.endings("endings", memory_.lines.size(), memory_.endings);
}

std::optional<Side> RecordReader::Fields::side_or_proxy(std::string_view key) {
  if (!fields_.has(key) || is_proxy(key)) return std::nullopt;
  return fields_.named(key, Side::server);
}

record::Session RecordReader::Fields::session() {
  const auto schema = fields_.number<std::uint64_t>("schema");
  if (schema > kSchemaVersion) {
    fields_.wrong("schema", std::to_string(schema) + " is of a newer ftpscope, this one knows " +
                                std::to_string(kSchemaVersion));
  }
  return record::Session{.client = fields_.endpoint("client"),
                         .proxy = fields_.endpoint_or_null("proxy"),
                         .server = fields_.text("server"),
                         .lines = fields_.word_or_nothing("lines"),
                         .tls = fields_.word_or_nothing("tls"),
                         .balancer = fields_.endpoint_or_null("balancer"),
                         .reached = fields_.endpoint_or_null("reached")};
}

record::Connected RecordReader::Fields::connected() {
  return record::Connected{fields_.endpoint("server"), fields_.endpoint("from"),
                           fields_.text_or_nothing("name"),
                           fields_.word_or_nothing("proxy_header")};
}

record::Command RecordReader::Fields::command() {
  record::Command command;
  command.id = fields_.number<CommandId>("id");
  command.verb = fields_.bytes("verb");
  command.known = fields_.flag_or_null("known").value_or(true);
  command.argument = fields_.bytes_or_null("argument");
  command.line = fields_.bytes_or_null("line");
  command.redacted = fields_.flag("redacted");
  command.urgent = fields_.flag("urgent");
  command.by_proxy = is_proxy("by");
  return command;
}

record::Reply RecordReader::Fields::reply() {
  read_lines();
  const auto latency = fields_.number_or_null<Duration::rep>("latency_us");
  return record::Reply{.to = fields_.number_or_null<CommandId>("to"),
                       .verb = fields_.bytes_or_null("verb").value_or(""),
                       .code = fields_.number_or_null<int>("code"),
                       .lines = memory_.lines,
                       .endings = memory_.endings,
                       .latency = latency ? std::optional(Duration(*latency)) : std::nullopt,
                       .preliminary = fields_.flag("preliminary"),
                       .by_proxy = is_proxy("by"),
                       .redacted = fields_.flag("redacted"),
                       .for_proxy = is_proxy("for")};
}

record::ReplyPart RecordReader::Fields::reply_part() {
  read_lines();
  return record::ReplyPart{.to = fields_.number_or_null<CommandId>("to"),
                           .code = fields_.number_or_null<int>("code"),
                           .lines = memory_.lines,
                           .endings = memory_.endings};
}

record::Rewrite RecordReader::Fields::rewrite() {
  return record::Rewrite{.to = fields_.number_or_null<CommandId>("to"),
                         .what = fields_.bytes("what"),
                         .before = fields_.bytes("before"),
                         .after = fields_.bytes("after"),
                         .why = fields_.text("why")};
}

record::Body RecordReader::Fields::channel() {
  const auto event = fields_.text("event");
  const auto id = fields_.number<ChannelId>("id");
  const auto to = fields_.number_or_null<CommandId>("to");
  const auto setup = fields_.named("setup", Setup::unknown);
  if (event == "exposed") {
    if (!to) fields_.wrong("to", "is missing");
    return record::ChannelExposed{.id = id,
                                  .to = to.value_or(0),
                                  .setup = setup,
                                  .facing = fields_.named("facing", Side::server),
                                  .address = fields_.endpoint("address"),
                                  .target = fields_.endpoint_or_null("target")};
  }
  if (event != "opened") fields_.unknown("event", event);
  record::ChannelOpened opened{.id = id, .to = to, .setup = setup, .client = {}, .server = {}};
  if (const auto leg = fields_.leg_or_null("client")) opened.client = *leg;
  if (const auto leg = fields_.leg_or_null("server")) opened.server = *leg;
  return opened;
}

record::Data RecordReader::Fields::data() {
  record::Data data;
  data.id = fields_.number<ChannelId>("id");
  data.to = fields_.number_or_null<CommandId>("to");
  data.verb = fields_.word_or_nothing("verb");
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
  data.closed = memory_.record.time;
  const auto duration = fields_.number_or_null<Duration::rep>("duration_us");
  if (data.connected && duration && *duration >= 0) {
    const auto lasted = std::min(Duration(*duration), data.closed - *data.connected);
    data.closed = *data.connected + lasted;
  }
  data.closed_first = side_or_proxy("closed_first");
  data.how = fields_.named("how", ChannelEnd::open);
  data.why = fields_.text_or_nothing("why");
  data.strangers = fields_.number<std::uint32_t>("strangers");
  if (fields_.has("path")) data.path = DataPathKind::kernel;
  data.captured = !fields_.has("closed_first");
  if (const auto us = fields_.number_or_null<Duration::rep>("silence_us")) {
    data.silence = Duration(*us);
  }
  if (fields_.has("missing")) data.missing = fields_.number<std::uint64_t>("missing");
  data.payload = fields_.text_or_nothing("payload");
  data.sha256 = fields_.word_or_nothing("sha256");
  data.type = fields_.text_or_nothing("type");
  if (fields_.has("unrecorded")) {
    data.unrecorded = fields_.number<std::uint64_t>("unrecorded");
    data.unrecorded_why = fields_.text("unrecorded_why");
  }
  return data;
}

record::Finding RecordReader::Fields::finding() {
  record::Finding finding;
  const auto name = fields_.text("finding");
  const auto rows = all_findings();
  const auto row = std::ranges::find(rows, name, &FindingRow::name);
  if (row != rows.end()) {
    finding.id = row->id;
  } else {
    fields_.unknown("finding", name);
  }
  finding.to = fields_.number_or_null<CommandId>("to");
  finding.detail = fields_.bytes("detail");
  return finding;
}

record::Opaque RecordReader::Fields::opaque() {
  return record::Opaque{fields_.number_or_null<CommandId>("to")};
}

record::Tls RecordReader::Fields::tls() {
  record::Tls tls;
  tls.channel = fields_.number_or_null<ChannelId>("channel");
  tls.version = fields_.word_or_nothing("version");
  tls.sni = fields_.bytes_or_null("sni").value_or("");
  fields_.list_of_bytes("alpn", memory_.alpn);
  fields_.list_of_bytes("names", memory_.names);
  tls.alpn = memory_.alpn;
  tls.names = memory_.names;
  tls.resumed = fields_.flag_or_null("resumed");
  tls.carried_data = fields_.flag_or_null("carried_data");
  auto notify = fields_.object("close_notify");
  tls.close_notify_client = notify.flag_or_null("client");
  tls.close_notify_server = notify.flag_or_null("server");
  return tls;
}

record::Gap RecordReader::Fields::gap() {
  return record::Gap{fields_.named("from", Side::server), fields_.number<std::uint64_t>("bytes")};
}

record::Overlap RecordReader::Fields::overlap() {
  return record::Overlap{fields_.named("from", Side::server), fields_.bytes("kept"),
                         fields_.bytes("other")};
}

record::Damage RecordReader::Fields::damage() {
  return record::Damage{fields_.number<std::uint64_t>("packet"),
                        fields_.number<std::uint64_t>("offset"), fields_.text("what")};
}

record::Capture RecordReader::Fields::capture() {
  return record::Capture{.packets = fields_.number<std::uint64_t>("packets"),
                         .bytes = fields_.number<std::uint64_t>("bytes"),
                         .flows = fields_.number<std::uint64_t>("flows"),
                         .sessions = fields_.number<std::uint64_t>("sessions"),
                         .skipped = fields_.number<std::uint64_t>("skipped"),
                         .first = fields_.time_or_null("first"),
                         .last = fields_.time_or_null("last")};
}

record::Lost RecordReader::Fields::lost() {
  return record::Lost{fields_.number<std::uint64_t>("records_lost")};
}

record::End RecordReader::Fields::end() {
  return record::End{.by = side_or_proxy("by"),
                     .captured = !fields_.has("by"),
                     .how = fields_.named("how", SessionEnd::open),
                     .why = fields_.bytes("why"),
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

RecordReader::RecordReader() : memory_(std::make_unique<Memory>()) {}
RecordReader::~RecordReader() = default;

std::expected<const Record*, std::string> RecordReader::read(std::string_view line) {
  if (line.size() > kLineMax) return std::unexpected("the line is too long");
  auto fields = memory_->line.parse(line);
  if (!fields) return std::unexpected(std::move(fields.error()));
  Fields(*fields, *memory_).read();
  if (const auto& problem = memory_->line.problem(); !problem.empty()) {
    return std::unexpected(problem);
  }
  return &memory_->record;
}

}  // namespace ftpscope
