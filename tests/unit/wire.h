// TCP connections made for tests, as a FlowTracker sees them, and what it makes of them as text.
// Knows nothing of captures and frames: see frames.h for those.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analyzer/flow_tracker.h"
#include "analyzer/record_json.h"
#include "analyzer/report_text.h"

namespace ftpscope::unit {

inline Endpoint endpoint(std::string_view text) { return parse_endpoint(text).value(); }

// Records as their kinds and what a test is likely to ask for, one a line, in order:
//   command PASV | reply 227 | opened 1 pasv | data 1 RETR down=5 up=0 fin by server
//   finding FTP-DATA-LATE ... | end fin by client
class Told final : public RecordSink {
 public:
  void record(const Record& record) override {
    std::visit([this](const auto& body) { tell(body); }, record.body);
    last_session = record.session;
  }

  // The lines that begin so, without that, joined by ", ".
  [[nodiscard]] std::string all(std::string_view kind) const {
    std::string found;
    for (const auto& line : lines) {
      if (!line.starts_with(std::string(kind) + " ")) continue;
      if (!found.empty()) found += ", ";
      found += line.substr(kind.size() + 1);
    }
    return found;
  }
  [[nodiscard]] bool has(std::string_view finding) const {
    return (", " + all("finding") + ",").find(", " + std::string(finding) + ",") !=
           std::string::npos;
  }

  std::vector<std::string> lines;
  std::vector<std::string> tls;
  std::string last_session;

 private:
  void tell(const record::Session& r) {
    add("session", to_text(r.client) + " " + std::string(r.server));
  }
  void tell(const record::Command& r) {
    add("command", std::string(r.verb) + (r.argument ? " " + std::string(*r.argument) : ""));
  }
  void tell(const record::Reply& r) { add("reply", r.code ? std::to_string(*r.code) : "-"); }
  void tell(const record::ChannelOpened& r) {
    add("opened", std::to_string(r.id) + " " + std::string(name_of(r.setup)));
  }
  void tell(const record::Data& r) {
    const auto verb = r.verb.empty() ? std::string("-") : std::string(r.verb);
    auto text = std::to_string(r.id) + " " + verb + " down=" + std::to_string(r.bytes_to_client) +
                " up=" + std::to_string(r.bytes_to_server) + " " + std::string(name_of(r.how));
    if (r.closed_first) text += " by " + std::string(name_of(*r.closed_first));
    if (r.missing > 0) text += " missing=" + std::to_string(r.missing);
    add("data", text);
  }
  void tell(const record::Finding& r) { add("finding", std::string(row_of(r.id).name)); }
  void tell(const record::Gap& r) {
    add("gap", std::string(name_of(r.from)) + " " + std::to_string(r.bytes));
  }
  void tell(const record::Overlap& r) { add("overlap", std::string(name_of(r.from))); }
  void tell(const record::End& r) {
    add("end", std::string(name_of(r.how)) + (r.by ? " by " + std::string(name_of(*r.by)) : ""));
  }
  template <class Other>
  void tell(const Other&) {}

  void add(std::string_view kind, const std::string& text) {
    lines.push_back(std::string(kind) + " " + text);
  }
};

// A TCP connection whose segments go where they are told. Both ends acknowledge in what they send.
struct Connection {
  Endpoint caller;
  Endpoint listener;
  std::array<std::uint32_t, 2> next = {1000, 5000};  // sequence numbers: the caller's, the other's

  [[nodiscard]] TcpSegment segment(bool from_caller, unsigned flags,
                                   std::string_view payload = {}) {
    TcpSegment segment;
    segment.from = from_caller ? caller : listener;
    segment.to = from_caller ? listener : caller;
    segment.flags = static_cast<std::uint8_t>(flags);
    auto& own = next[from_caller ? 0 : 1];
    segment.seq = own;
    segment.ack = next[from_caller ? 1 : 0];
    segment.payload = payload;
    segment.length = static_cast<std::uint32_t>(payload.size());
    own += segment.length + (segment.syn() ? 1U : 0U) + (segment.fin() ? 1U : 0U);
    return segment;
  }
};

// A tracker and a clock that ticks with each segment.
struct Wire {
  static constexpr auto kTick = std::chrono::milliseconds(1);
  static constexpr bool kCaller = true;
  static constexpr bool kListener = false;

  explicit Wire(const FlowLimits& limits = {}) : tracker(limits, told, nullptr) {}

  void add(const TcpSegment& segment) {
    tracker.add(segment, now);
    now += kTick;
  }
  // SYN, SYN and ACK, ACK.
  Connection open(std::string_view caller, std::string_view listener, std::uint32_t seq = 1000) {
    Connection connection{endpoint(caller), endpoint(listener), {seq, seq + 4000}};
    add(connection.segment(kCaller, TcpSegment::kSyn));
    add(connection.segment(kListener, TcpSegment::kSyn | TcpSegment::kAck));
    add(connection.segment(kCaller, TcpSegment::kAck));
    return connection;
  }
  void say(Connection& connection, bool from_caller, std::string_view text) {
    add(connection.segment(from_caller, TcpSegment::kAck, text));
  }
  void close(Connection& connection, bool first_caller) {
    for (const bool from : {first_caller, !first_caller}) {
      add(connection.segment(from, TcpSegment::kFin | TcpSegment::kAck));
      add(connection.segment(!from, TcpSegment::kAck));
    }
  }
  // Up to the login.
  Connection login(std::string_view client = "192.0.2.1:40000",
                   std::string_view server = "198.51.100.2:21", std::uint32_t seq = 1000) {
    auto control = open(client, server, seq);
    say(control, kListener, "220 Ready.\r\n");
    ask(control, "USER joe\r\n", "331 Password.\r\n");
    ask(control, "PASS x\r\n", "230 In.\r\n");
    ask(control, "TYPE I\r\n", "200 Binary.\r\n");
    return control;
  }
  void ask(Connection& control, std::string_view command, std::string_view reply) {
    say(control, kCaller, command);
    say(control, kListener, reply);
  }
  Told& finish() {
    tracker.finish(now);
    return told;
  }

  Told told;
  FlowTracker tracker;
  Timestamp now{std::chrono::seconds(1'700'000'000)};
};

}  // namespace ftpscope::unit
