// Transcripts of the replayed client (client_replay/*.play): a recording, and what a server says to
// the client that plays it. README.md tells the notation.
#include <map>
#include <stdexcept>
#include <utility>

#include "proxy/client_replay.h"
#include "tests/transcripts/notation.h"
#include "tests/transcripts/play_files.h"
#include "tests/transcripts/recorded.h"

namespace ftpscope::transcripts {

namespace {

class ClientPlayer final : private play::Effects, private RecordSink {
 public:
  void act(const std::string& line) {
    if (line.empty() || line.starts_with("//")) return;
    if (line.starts_with("# ")) return set(words_of(line.substr(2)));
    if (line.starts_with('R')) return recorded_.add(line);
    if (!machine_) connect();
    if (line.starts_with("S> ")) return hear(unescaped(line.substr(3)) + "\r\n");
    if (line.starts_with("S+ ")) return hear(unescaped(line.substr(3)));
    if (line == "S! closed") return handle(play::Closed{});
    if (line == "S! reset") return handle(play::Closed{true});
    if (line.starts_with("+ ")) return pass(parse_duration(line.substr(2)).value());
    if (line.starts_with("! ")) return happen(words_of(line.substr(2)));
    throw std::runtime_error("not understood: " + line);
  }

  // What has come out since the last call.
  std::string take_shown() { return std::exchange(out_, {}); }

 private:
  void set(const Words& words) {
    const auto& name = words.at(0);
    if (name == "pipelined") options_.pipelined = true;
    if (name == "mode") {
      static const std::map<std::string, DataMode> kModes{{"passive", DataMode::passive},
                                                          {"active", DataMode::active},
                                                          {"extended", DataMode::extended}};
      options_.mode = kModes.at(words.at(1));
    }
    if (name == "reply-timeout") options_.reply_timeout = parse_duration(words.at(1)).value();
    if (name == "login") login_ = {words.at(1), words.at(2)};
    if (name == "substitute") substitutions_.push_back(parse_substitution(words.at(1)).value());
    if (name == "server") server_ = parse_endpoint(words.at(1)).value();
    if (name == "here") here_ = parse_endpoint(words.at(1)).value();
    if (name == "data") show_data_ = true;
  }

  void connect() {
    script_ = plan_client_replay(recorded_.take(), login_, substitutions_);
    machine_.emplace(script_, options_, "played", static_cast<RecordSink&>(*this),
                     static_cast<play::Effects&>(*this));
    handle(play::Connected{server_, here_});
  }

  void hear(const std::string& bytes) { handle(play::Received{bytes}); }

  void pass(Duration time) {
    const auto until = now_ + time;
    for (int fired = 0;; ++fired) {
      const auto due = machine_->deadline();
      if (!due || *due > until) break;
      if (fired > 1000) throw std::runtime_error("a deadline that does not go away");
      now_ = std::max(now_, *due);
      handle(play::TimerFired{});
    }
    now_ = until;
  }

  // `! listening 192.0.2.9:4660`, `! listen-failed`, `! connected`, `! paused`, `! over 1000
  // server`
  void happen(const Words& words) {
    const auto& what = words.at(0);
    if (what == "listening") return handle(play::Listening{parse_endpoint(words.at(1)).value()});
    if (what == "listen-failed") return handle(play::ListenFailed{});
    if (what == "connected") return handle(play::DataConnected{{here_, server_}});
    if (what == "paused") return handle(play::DataPaused{});
    if (what != "over") throw std::runtime_error("unknown happening: " + what);
    DataTotals totals;
    totals.bytes = std::stoul(words.at(1));
    totals.leg = Leg{here_, server_};
    totals.connected = now_;
    totals.closed_first = words.at(2) == "client" ? Side::client : Side::server;
    handle(play::DataOver{totals});
  }

  void handle(const play::Event& event) {
    machine_->handle(event, now_);
    while (closing_ > 0) {  // as the driver does
      --closing_;
      machine_->handle(play::DataOver{}, now_);
    }
  }

  // Effects
  void send(std::string_view bytes, std::optional<std::size_t> urgent) override {
    if (urgent) show("? urgent byte " + std::to_string(*urgent));
    const bool whole = bytes.ends_with("\r\n");
    show(whole ? "S< " + escaped(bytes.substr(0, bytes.size() - 2)) : "S<+ " + escaped(bytes));
  }
  void finish() override { show("? finish"); }
  void listen_data() override { show("? listen"); }
  void connect_data(std::uint16_t port) override { show("? connect " + std::to_string(port)); }
  void receive(const play::Reading& reading) override {
    auto text = std::string("? receive") + (reading.listing ? " a listing" : "");
    if (reading.pause_after) text += ", pause after " + std::to_string(*reading.pause_after);
    if (reading.close_after) text += ", close after " + std::to_string(*reading.close_after);
    show(text);
  }
  void resume_data() override { show("? resume"); }
  void send_payload(const ScriptPayload& payload, ChannelId) override {
    show("? upload " + std::to_string(payload.bytes) + " bytes" +
         (payload.file.empty() ? "" : " of " + payload.file));
  }
  void close_data() override {
    show("? close data");
    ++closing_;
  }
  void end() override {
    show("? end");
    for (std::size_t i = 0; i < script_.steps.size(); ++i) {
      const auto& result = machine_->results()[i];
      if (result.not_sent.empty()) continue;
      const auto& said = script_.expected.transactions[script_.steps[i].expected];
      show("= not sent: " + escaped(said.verb) + ": " + result.not_sent);
    }
    if (!machine_->broken_off().empty()) show("= broken off: " + machine_->broken_off());
  }

  void record(const Record& record) override {
    const auto* data = std::get_if<record::Data>(&record.body);
    if (!data || !show_data_) return;
    show(": data " + std::to_string(data->id) + " of " +
         (data->to ? std::string(data->verb) : "none") + " by " +
         std::string(name_of(data->setup)) + ", " + std::to_string(bytes_of(*data)) + " bytes");
  }

  void show(const std::string& line) { out_ += "  " + line + "\n"; }

  ClientReplayOptions options_;
  ClientLogin login_{"ann", "secret"};
  std::vector<Substitution> substitutions_;
  Endpoint server_ = parse_endpoint("198.51.100.2:21").value();
  Endpoint here_ = parse_endpoint("192.0.2.9:4001").value();
  Recorded recorded_;
  ClientScript script_;
  std::optional<ClientReplay> machine_;
  Timestamp now_{};
  bool show_data_ = false;
  int closing_ = 0;
  std::string out_;
};

}  // namespace

TEST_CASE("every transcript of the replayed client comes out as it is written") {
  check_play_files<ClientPlayer>("client_replay");
}

}  // namespace ftpscope::transcripts
