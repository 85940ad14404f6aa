// Transcripts of the replayed server (server_replay/*.play): a recording, and what a client says to
// the server that plays it. README.md tells the notation.
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>

#include "proxy/server_replay.h"
#include "tests/transcripts/notation.h"
#include "tests/transcripts/play_files.h"
#include "tests/transcripts/recorded.h"

namespace ftpscope::transcripts {

namespace {

class ServerPlayer final : private replay::Effects {
 public:
  void act(const std::string& line) {
    if (line.empty() || line.starts_with("//")) return;
    if (line.starts_with("# ")) return set(words_of(line.substr(2)));
    if (line.starts_with('R')) return recorded_.add(line);
    if (line == "C! connects") return connect();
    if (!machine_) connect();
    if (line.starts_with("C> "))
      return handle(replay::Received{unescaped(line.substr(3)) + "\r\n"});
    if (line.starts_with("C+ ")) return handle(replay::Received{unescaped(line.substr(3))});
    if (line.starts_with("+ ")) return pass(parse_duration(line.substr(2)).value());
    if (line.starts_with("! ")) return happen(line.substr(2));
    throw std::runtime_error("not understood: " + line);
  }

  // What has come out since the last call.
  std::string take_shown() { return std::exchange(out_, {}); }

 private:
  void set(const Words& words) {
    static const std::map<std::string, Match> kMatches{
        {"strict", Match::strict}, {"verb", Match::verb}, {"state", Match::state}};
    static const std::map<std::string, Unmatched> kUnmatched{{"reply-500", Unmatched::reply_500},
                                                             {"close", Unmatched::close},
                                                             {"nearest", Unmatched::nearest}};
    const auto& name = words.at(0);
    if (name == "match") options_.match = kMatches.at(words.at(1));
    if (name == "unmatched") options_.unmatched = kUnmatched.at(words.at(1));
    if (name == "speed") options_.speed = std::stod(words.at(1));
    if (name == "client") client_ = parse_ip(words.at(1)).value();
    if (name == "waits") show_waits_ = true;
  }

  void connect() {
    script_ = read_script(recorded_.log(), recorded_.timing()).value();
    machine_.emplace(script_, options_, client_, static_cast<replay::Effects&>(*this));
    handle(replay::Connected{});
  }

  void pass(Duration time) {
    const auto start = now_;
    while (const auto due = machine_->finished() ? std::nullopt : machine_->deadline()) {
      if (*due > start + time) break;
      now_ = std::max(now_, *due);
      if (now_ > start) show("@ " + to_text(now_ - start));
      handle(replay::TimerFired{});
    }
    now_ = start + time;
  }

  // `! listening 127.0.0.1:4660`, `! listen-failed`, `! over`, `! over DIFFERENCE`, `! broke`,
  // `! nobody-came`
  void happen(const std::string& text) {
    const auto words = words_of(text);
    const auto& what = words.at(0);
    if (what == "listening")
      return handle(replay::PassiveOpened{parse_endpoint(words.at(1)).value()});
    if (what == "listen-failed") return handle(replay::PassiveFailed{});
    if (what == "over") return handle(replay::DataEnded{text.size() > 5 ? text.substr(5) : ""});
    if (what == "broke") return handle(replay::DataFailed{true});
    if (what == "nobody-came") return handle(replay::DataFailed{false});
    throw std::runtime_error("unknown happening: " + what);
  }

  void handle(const replay::Event& event) {
    machine_->handle(event, now_);
    if (show_waits_ && !machine_->wants()) show("= the client is not read");
  }

  // Effects
  void send(std::string_view bytes) override {
    const bool whole = bytes.ends_with("\r\n");
    show(whole ? "C< " + escaped(bytes.substr(0, bytes.size() - 2)) : "C<+ " + escaped(bytes));
  }
  void finish(bool reset) override { show(reset ? "? reset" : "? finish"); }
  void open_passive() override { show("? listen"); }
  void connect_active(std::uint16_t port) override { show("? connect " + std::to_string(port)); }
  void send_payload(const ScriptPayload& payload, const replay::Transfer& transfer) override {
    const auto skip = transfer.skip;
    show("? send " + payload.file + (skip > 0 ? " from " + std::to_string(skip) : "") +
         (payload.reset ? ", then reset" : ""));
  }
  void receive_payload(const ScriptPayload& recorded, const replay::Transfer&) override {
    show("? receive, compare with " + recorded.file);
  }
  void close_data() override { show("? close data"); }
  void tell(FindingId finding, CommandId to, std::string_view detail) override {
    show(": " + std::string(row_of(finding).name) + " to " + std::to_string(to) + ", " +
         escaped(detail));
  }

  void show(const std::string& line) { out_ += "  " + line + "\n"; }

  ReplayOptions options_;
  IpAddress client_ = parse_ip("192.0.2.9").value();
  Recorded recorded_;
  ReplayScript script_;
  std::optional<ServerReplay> machine_;
  Timestamp now_{};
  bool show_waits_ = false;
  std::string out_;
};

}  // namespace

TEST_CASE("every transcript of the replayed server comes out as it is written") {
  check_play_files<ServerPlayer>("server_replay");
}

}  // namespace ftpscope::transcripts
