// Playing a transcript: an Interceptor, and Effects that only write down.
#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "analyzer/record_json.h"
#include "tests/transcripts/notation.h"
#include "tests/transcripts/runner.h"
#include "tests/transcripts/shown.h"

namespace ftpscope::transcripts {

namespace {

constexpr Timestamp kStart{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} +
                           std::chrono::hours(9)};

std::size_t index(Side side) { return static_cast<std::size_t>(side); }
char letter(Side side) { return side == Side::client ? 'C' : 'S'; }

// The other half of the live driver: what it knows of a data channel.
struct KnownChannel {
  std::array<std::optional<Leg>, 2> legs;  // who connects to whom
  std::optional<Exposure> exposure;        // the last one
  DataPathKind path = DataPathKind::relay;
  std::optional<Timestamp> opened;
};

class Player final : private Effects, private RecordSink {
 public:
  Player(const Script& script, const Cutter& cutter)
      : settings_(script.settings),
        cutter_(cutter),
        pipeline_(settings_.rewriters ? Pipeline(settings_.options.policy) : Pipeline()),
        machine_(settings_.options, pipeline_, "20261121T090000.000000Z-000001", *this, *this,
                 &memory_) {
    for (const auto setup : settings_.refused_before) memory_.refuses(settings_.server, setup);
  }

  Run play(const std::vector<Step>& steps) {
    Run run;
    bool connected = !settings_.connected;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const bool heading = steps[i].text.starts_with('#') || steps[i].text.starts_with("//");
      if (!connected && !heading) {
        connect_client();
        connect_server_side();
        connected = true;
      }
      act(steps[i], i);
      end_sent_lines();
      if (!heading) show_waits();
      last_sent_count_ = 0;
      run.outcomes.push_back(std::move(outcome_));
      outcome_ = {};
    }
    run.ended = machine_.ended();
    return run;
  }

 private:
  // what happens
  void act(const Step& step, std::size_t number) {
    switch (step.kind) {
      case Step::Kind::nothing: return;
      case Step::Kind::bytes: receive(step, number); return;
      case Step::Kind::closed: handle(event::Closed{step.side, false}); return;
      case Step::Kind::reset: handle(event::Closed{step.side, true}); return;
      case Step::Kind::passes: pass(step.time); return;
      case Step::Kind::happens: happen(step.words); return;
    }
  }

  // Each piece lies in memory of its own that is gone afterwards: a view kept too long is seen by
  // ASan, and without it reads nonsense.
  void receive(const Step& step, std::size_t number) {
    bool urgent = step.urgent;
    for (const auto piece : cutter_(number, step.bytes)) {
      const auto buffer = std::make_unique<char[]>(piece.size());
      std::ranges::copy(piece, buffer.get());
      handle(event::Received{step.side, {buffer.get(), piece.size()}, urgent});
      std::fill_n(buffer.get(), piece.size(), '#');
      urgent = false;
    }
  }

  void pass(Duration time) {
    const auto until = now_ + time;
    for (int fired = 0;; ++fired) {
      const auto due = machine_.deadline();
      if (!due || *due > until) break;
      if (fired > 1000) throw std::runtime_error("a deadline that does not go away");
      now_ = std::max(now_, *due);
      handle(event::TimerFired{});
    }
    now_ = until;
  }

  void happen(const std::vector<std::string>& words) {
    const auto& what = words.at(0);
    if (what == "client") return connect_client();
    if (what == "server") return connect_server_side();
    if (what == "unreachable") return handle(event::ServerUnreachable{std::string(rest(words, 1))});
    if (what == "passed-over") {
      return handle(event::ServerPassedOver{words.at(1), std::string(rest(words, 2))});
    }
    if (what == "forbidden") {
      return handle(event::ServerForbidden{std::string(rest(words, 1))});
    }
    if (what == "refused-as") {
      return handle(event::ClientRefused{rest(words, 2), finding(words.at(1)), "its detail"});
    }
    if (what == "refused") return handle(event::ClientRefused{rest(words, 1)});
    if (what == "shutdown") return handle(event::ShutdownAsked{});
    const auto id = static_cast<ChannelId>(std::stoul(words.at(1)));
    if (what == "exposed") return expose_done(id, words);
    if (what == "expose-failed") return handle(event::ExposeFailed{id, rest(words, 2)});
    if (what == "stranger") return handle(event::StrangerRefused{id, endpoint(words.at(2))});
    if (what == "redirected") return handle(event::PeerRedirected{id, endpoint(words.at(2))});
    if (what == "opened") return open(id);
    if (what == "drained") return handle(event::ChannelDrained{id, side(words.at(2))});
    if (what == "quiet") return handle(event::ChannelQuiet{id});
    if (what == "closed") return close(id, words);
    throw std::runtime_error("unknown happening: " + what);
  }

  std::string_view rest(const std::vector<std::string>& words, std::size_t from) {
    rest_.clear();
    for (auto i = from; i < words.size(); ++i) rest_ += (i > from ? " " : "") + words[i];
    return rest_;
  }

  static FindingId finding(const std::string& name) {
    const auto* row = find_finding(name);
    if (!row) throw std::runtime_error("unknown finding: " + name);
    return row->id;
  }

  static Endpoint endpoint(const std::string& text) { return parse_endpoint(text).value(); }
  static Side side(const std::string& word) {
    if (word != "client" && word != "server") throw std::runtime_error("not a side: " + word);
    return word == "client" ? Side::client : Side::server;
  }

  static ChannelEnd channel_end(const std::string& word) {
    using enum ChannelEnd;
    for (const auto end :
         {fin, rst, timeout, never_connected, connect_failed, replaced, session_ended}) {
      if (name_of(end) == word) return end;
    }
    throw std::runtime_error("not an end of a channel: " + word);
  }

  void connect_client() {
    handle(event::ClientConnected{settings_.client, settings_.proxy, settings_.server_name,
                                  settings_.forward, settings_.balancer, settings_.reached});
  }
  void connect_server_side() {
    handle(event::ServerConnected{settings_.server, settings_.from, server_name_});
  }

  // `! exposed 1 203.0.113.7:40001`, and then `kernel`, or `relayed` and why not by the kernel.
  void expose_done(ChannelId id, const std::vector<std::string>& words) {
    const auto by = words.size() > 3 ? words[3] : "";
    const auto address = endpoint(words.at(2));
    auto& channel = channels_[id];
    channel.path = by == "kernel" ? DataPathKind::kernel : DataPathKind::relay;
    if (const auto& exposure = channel.exposure) {  // else it is closed
      channel.legs[index(exposure->facing)] = Leg{{exposure->expected, 50001}, address};
      if (exposure->target) go(channel, other(exposure->facing), *exposure->target);
    }
    handle(event::Exposed{id, address, channel.path, by == "relayed" ? rest(words, 4) : ""});
  }

  void open(ChannelId id) {
    channels_[id].opened = now_;
    const auto [client, server] = legs(id);
    handle(event::ChannelOpened{id, client, server});
  }

  // What happens in earnest when both legs stand.
  std::pair<Leg, Leg> legs(ChannelId id) {
    const auto& both = channels_[id].legs;
    return {both[0].value_or(Leg{}), both[1].value_or(Leg{})};
  }

  void go(KnownChannel& channel, Side side, const Endpoint& target) {
    const auto own = side == Side::server ? settings_.from.ip : settings_.proxy.ip;
    channel.legs[index(side)] = Leg{{own, 41001}, target};
  }

  // `! closed 1 fin server 100 0`: how, who closed first, bytes to the client, bytes to the server.
  void close(ChannelId id, const std::vector<std::string>& words) {
    auto totals = totals_of(id, channel_end(words.at(2)));
    if (words.at(3) != "proxy") totals.closed_first = side(words.at(3));
    totals.bytes_to_client = std::stoul(words.at(4));
    totals.bytes_to_server = std::stoul(words.at(5));
    const bool seen = channels_[id].path == DataPathKind::relay;
    if (seen && totals.bytes_to_client + totals.bytes_to_server > 0) {
      totals.first_byte = totals.connected;
      totals.last_byte = now_;
    }
    channels_.erase(id);
    handle(event::ChannelClosed{id, totals, rest(words, 6)});
  }

  ChannelTotals totals_of(ChannelId id, ChannelEnd how) {
    ChannelTotals totals;
    totals.how = how;
    if (channels_[id].opened) {
      const auto [client, server] = legs(id);
      totals.client = client;
      totals.server = server;
      totals.connected = channels_[id].opened;
    }
    return totals;
  }

  void handle(const Event& event) {
    machine_.handle(event, now_);
    // As the live driver does: closing a channel is done at once, and told when handle() has
    // returned.
    while (!closing_.empty()) {
      const auto [id, how] = closing_.front();
      closing_.erase(closing_.begin());
      if (!channels_.contains(id)) continue;
      const auto totals = totals_of(id, how);
      channels_.erase(id);
      machine_.handle(event::ChannelClosed{id, totals, {}}, now_);
    }
  }

  // Effects
  void connect_server(const std::optional<HostPort>& named) override {
    server_name_ = named ? ftpscope::to_text(*named) : settings_.server_name;
    named ? deed("connect-server " + server_name_) : deed("connect-server", false);
  }
  void drop_server() override { deed("drop-server"); }
  void send(Side to, std::string_view bytes) override {
    outcome_.sent[index(to)] += bytes;
    show_sent(to, bytes, "");
  }
  void send_urgent(Side to, std::string_view bytes, std::size_t urgent) override {
    outcome_.urgent[index(to)].push_back(outcome_.sent[index(to)].size() + urgent);
    outcome_.sent[index(to)] += bytes;
    show_sent(to, bytes.substr(0, urgent), "");
    end_sent_lines();
    show_sent(to, bytes.substr(urgent), "!");
  }
  void finish(Side to) override { deed("finish " + std::string(name_of(to))); }
  void reset(Side to) override { deed("reset " + std::string(name_of(to))); }
  void expose(const Exposure& exposure) override {
    channels_[exposure.channel].exposure = exposure;
    auto text = "expose " + std::to_string(exposure.channel) + " to " +
                std::string(name_of(exposure.facing)) +
                (exposure.target ? ": " + to_text_of(*exposure.target) : "");
    const auto& peer = exposure.facing == Side::client ? settings_.client.ip : settings_.server.ip;
    if (exposure.expected != peer) text += ", expecting " + ftpscope::to_text(exposure.expected);
    deed(text);
  }
  void connect_channel(ChannelId channel, Side side, const Endpoint& target) override {
    go(channels_[channel], side, target);
    deed("connect " + std::to_string(channel) + " to " + std::string(name_of(side)) + ": " +
         to_text_of(target));
  }
  void close_channel(ChannelId channel, ChannelEnd how) override {
    closing_.emplace_back(channel, how);
    deed("close-channel " + std::to_string(channel) + " " + std::string(name_of(how)));
  }
  void watch_channel(ChannelId channel, Duration quiet) override {
    deed("watch-channel " + std::to_string(channel) + " " + transcripts::to_text(quiet));
  }
  void end_session() override { deed("end"); }

  static std::string to_text_of(const Endpoint& endpoint) { return ftpscope::to_text(endpoint); }

  // RecordSink
  void record(const Record& record) override {
    std::string json;
    append_json(json, record);
    if (const auto shown = shown_record(record, json, settings_)) show(*shown);
    outcome_.records.push_back(std::move(json));
  }

  // writing down
  void deed(const std::string& text, bool shown = true) {
    outcome_.deeds.push_back(text);
    if (shown) show("? " + text);
  }

  void show(const std::string& line) {
    end_sent_lines();
    outcome_.shown.push_back("  " + line);
    last_sent_count_ = 0;
  }

  // One shown line for each line sent. A piece without an end waits for more of its line.
  void show_sent(Side to, std::string_view bytes, std::string_view mark) {
    if (!part_.empty() && part_side_ != to) end_sent_lines();
    if (part_.empty()) part_mark_ = mark;
    part_side_ = to;
    part_ += bytes;
    for (auto end = part_.find('\n'); end != part_.npos; end = part_.find('\n')) {
      show_line(part_.substr(0, end + 1));
      part_.erase(0, end + 1);
    }
  }

  void end_sent_lines() {
    if (!part_.empty()) show_line(std::exchange(part_, {}));
    part_mark_ = {};
  }

  void show_line(std::string_view line) {
    const std::string side = std::string(1, letter(part_side_)) + std::string(part_mark_);
    part_mark_ = {};
    const bool whole = line.ends_with("\r\n");
    const auto text = whole ? escaped(line.substr(0, line.size() - 2)) : escaped(line);
    const auto shown = side + (whole ? "<" : "<+") + (text.empty() ? "" : " ") + text;
    add_sent(shown);
  }

  // Equal lines in a row are counted, as `32* S< NOOP`.
  void add_sent(const std::string& shown) {
    if (last_sent_count_ > 0 && shown == last_sent_) {
      outcome_.shown.back() = "  " + std::to_string(++last_sent_count_) + "* " + shown;
      return;
    }
    outcome_.shown.push_back("  " + shown);
    last_sent_ = shown;
    last_sent_count_ = 1;
  }

  void show_waits() {
    if (!settings_.show_waits) return;
    for (const auto side : {Side::client, Side::server}) {
      const bool wants = machine_.wants(side);
      if (wants == wanted_[index(side)]) continue;
      wanted_[index(side)] = wants;
      show(std::string("? ") + (wants ? "read " : "wait with ") + std::string(name_of(side)));
    }
  }

  const Settings& settings_;
  const Cutter& cutter_;
  Pipeline pipeline_;
  ServerMemory memory_;
  Interceptor machine_;
  Timestamp now_ = kStart;
  std::map<ChannelId, KnownChannel> channels_;
  std::vector<std::pair<ChannelId, ChannelEnd>> closing_;
  Outcome outcome_;
  std::array<bool, 2> wanted_{true, true};  // nothing is shown while both are read
  std::string server_name_;
  std::string rest_;
  std::string part_;
  Side part_side_ = Side::client;
  std::string_view part_mark_;
  std::string last_sent_;
  std::size_t last_sent_count_ = 0;  // 0: something else was shown since
};

}  // namespace

std::vector<std::string_view> uncut(std::size_t, std::string_view bytes) { return {bytes}; }

Run play(const Script& script, const Cutter& cutter) {
  return Player(script, cutter).play(script.steps);
}

std::string regenerate(const Script& script, const Run& run) {
  std::string text;
  for (std::size_t i = 0; i < script.steps.size(); ++i) {
    text += script.steps[i].text + "\n";
    for (const auto& line : run.outcomes[i].shown) text += line + "\n";
  }
  return text;
}

std::vector<TranscriptFile> all_transcripts() {
  const std::filesystem::path folder = FTPSCOPE_TRANSCRIPTS;
  std::vector<TranscriptFile> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".txt" || entry.path().filename() == "CMakeLists.txt") continue;
    std::ostringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    files.push_back({entry.path(), entry.path().lexically_relative(folder).string(), text.str()});
  }
  std::ranges::sort(files, {}, &TranscriptFile::name);
  return files;
}

}  // namespace ftpscope::transcripts
