// One FTP session as a capture shows it: the bytes of its control connection, understood by an
// Observer, and the data channels, each tied to the command that it is for.
//
// Knows nothing of other connections: FlowTracker asks expects() of a new one and gives it its
// segments. A data connection is looked for where the dialogue announced it (PORT, EPRT, LPRT, 227,
// 229, 228), with the address in the text or the control peer's own: a NAT may have changed either.
// Behind AUTH the announcements are encrypted; there any connection between the two hosts counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analyzer/captured_channel.h"
#include "analyzer/middlebox_watch.h"
#include "analyzer/observer.h"
#include "analyzer/segment_order.h"
#include "analyzer/tcp_stream.h"

namespace ftpscope {

class CapturedSession final : private RecordSink {
 public:
  static constexpr std::size_t kChannelsMax = 64;  // open or announced at once
  static constexpr Duration kAnnouncedFor = std::chrono::minutes(5);
  // A data connection may be over before its command is seen: packets of several connections come
  // out of order, too.
  static constexpr Duration kCommandLate = SegmentOrder::kHeldFor;
  // A PASV that nobody has followed for so long, when the session ends, was not just left unused.
  static constexpr Duration kPatience = std::chrono::seconds(3);

  struct Ends {
    Endpoint client;
    Endpoint server;
  };

  // `sink` gets the records. `taker` may be null.
  CapturedSession(std::string name, const Ends& ends, const DialogueLimits& limits,
                  RecordSink& sink, DataTaker* taker, CertificateNames names_of);

  enum class Beginning : std::uint8_t {
    seen,       // the client's SYN was: a greeting is due
    missed,     // the capture begins in mid-session
    encrypted,  // implicit TLS: nothing can be read
  };
  void begin(Timestamp now, Beginning beginning);
  // Called when data connections are expected that were not before: see take_announced() and
  // takes_any().
  void on_expecting(std::function<void()> expecting) { expecting_ = std::move(expecting); }
  void segment(const TcpSegment& segment, Side from, Timestamp now);
  // Nothing more of it will be seen: gives out all that waits, and the end.
  void finish(Timestamp now);
  [[nodiscard]] bool finished() const { return finished_; }
  // Closed by both or reset, and no data connection is open.
  [[nodiscard]] bool over() const;

  [[nodiscard]] const std::string& name() { return recorder().session(); }
  [[nodiscard]] const Ends& ends() const { return ends_; }
  [[nodiscard]] Timestamp last_seen() const { return last_seen_; }
  // Which end of a connection is the client's, by its address; nothing when neither.
  [[nodiscard]] Side side_of(const Endpoint& endpoint) const;

  // As announced, or between other hosts than announced (NAT, theft), or not announced at all.
  enum class Fit : std::uint8_t { exact, loose };
  // Whether the connection, of which a first packet goes from `caller` to `listener`, is one of its
  // data channels. It is from then on.
  std::shared_ptr<CapturedChannel> adopt(const Endpoint& caller, const Endpoint& listener, Fit fit,
                                         Timestamp now);
  // The port number was used again: its connection is not seen any more.
  void abandon(CapturedChannel& channel, Timestamp now);
  // The ports at which data connections were announced since the last call.
  [[nodiscard]] std::vector<std::uint16_t> take_announced() {
    return std::exchange(announced_, {});
  }
  // This is the same connection as `first`, on the other side of a middlebox.
  void is_twin_of(CapturedSession& first);
  [[nodiscard]] bool opaque() const { return observer_.state().opaque; }
  // Any connection between the two hosts may be a data channel.
  [[nodiscard]] bool takes_any() const;
  // A segment of that channel. False: the channel is closed, now or before.
  bool data_segment(CapturedChannel& channel, const TcpSegment& segment, Timestamp now);
  // Its SYN was reported undeliverable.
  void data_unreachable(CapturedChannel& channel, const IpAddress& reporter, Timestamp now);

 private:
  // The control connection's bytes of one side.
  class Reader final : public StreamSink {
   public:
    Reader(CapturedSession& session, Side side) : session_(session), side_(side) {}
    void bytes(std::string_view bytes, bool urgent) override;
    void gap(std::uint64_t bytes) override;
    void overlap(std::string_view kept, std::string_view other) override;
    void fin() override;
    void rst() override;
    void lose_count() { place_.reset(); }

   private:
    CapturedSession& session_;
    Side side_;
    std::optional<StreamPlace> place_ = StreamPlace{};  // none: lines are missing, nobody can count
  };
  void record(const Record& record) override;
  void on(const record::Command& command);
  void on(const record::Reply& reply);
  template <class Other>
  void on(const Other&) {}

  void compare(Side from, std::string_view line);
  void take(const TcpSegment& segment, Side from, Timestamp now);
  void announce(Setup setup, std::optional<CommandId> command, const Endpoint& stated);
  void begin_transfer(CommandId id, const Verb& verb);
  void settle_transfer(CapturedChannel& channel, int code);
  void close_later(CapturedChannel& channel, ChannelEnd how);
  void close_what_is_due();
  void close_what_nobody_used();
  void expect_no_more(std::optional<CommandId> besides);
  void close(CapturedChannel& channel, ChannelEnd how);
  void tell_of(const CapturedChannel& channel);
  void take_data(CapturedChannel& channel, const TcpSegment& segment, Side from, Timestamp now);
  // Gives out what waits for a missing segment. The channel may be closed then.
  void flush(CapturedChannel& channel);
  [[nodiscard]] std::shared_ptr<CapturedChannel> find_channel(ChannelId id) const;
  CapturedChannel* waiting_channel();
  CapturedChannel* find(std::optional<CommandId> transfer);
  std::shared_ptr<CapturedChannel> add_channel(Setup setup, std::optional<CommandId> command);
  std::shared_ptr<CapturedChannel> connect(std::shared_ptr<CapturedChannel> channel,
                                           const Endpoint& caller, const Endpoint& listener);
  record::End end();
  [[nodiscard]] Recorder& recorder() { return observer_.recorder(); }
  [[nodiscard]] Timestamp now() const { return last_seen_; }
  ControlStream& stream(Side side) { return side == Side::client ? from_client_ : from_server_; }
  void seen(Timestamp now);

  Ends ends_;
  RecordSink& sink_;
  DataTaker* taker_;
  Observer observer_;
  CertificateNames names_of_;
  TlsWatch tls_{names_of_};
  Reader client_reader_{*this, Side::client};
  Reader server_reader_{*this, Side::server};
  SegmentOrder order_;
  ControlStream from_client_{client_reader_};
  ControlStream from_server_{server_reader_};
  std::vector<std::shared_ptr<CapturedChannel>> channels_;  // oldest first
  // What the dialogue has made useless; told when the Observer is done with the bytes at hand.
  struct Due {
    ChannelId channel;
    std::optional<ChannelEnd> how;  // none: only what waits for missing packets is due
  };
  std::vector<Due> due_;
  // Shared with the session on the other side of a middlebox.
  std::shared_ptr<MiddleboxWatch> middlebox_;
  MiddleboxWatch::Place place_ = MiddleboxWatch::Place::first;
  std::optional<MiddleboxWatch::Difference> rewritten_;
  std::vector<std::uint16_t> announced_;
  std::function<void()> expecting_;
  bool took_any_ = false;
  ChannelId last_channel_ = 0;
  Timestamp started_;
  Timestamp last_seen_;
  std::optional<Side> closed_first_;
  std::array<bool, 2> closed_{};
  bool reset_ = false;
  bool gapped_ = false;
  bool finished_ = false;
  std::uint64_t data_to_client_ = 0;
  std::uint64_t data_to_server_ = 0;
};

}  // namespace ftpscope
