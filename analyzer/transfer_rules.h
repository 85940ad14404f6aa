// Transfers: whether the data, its replies and what was said of its size agree, and how it ended.
// Collects what the records tell of each transfer; transfer_judgement.h has the verdict when it is
// over. What the ends of single connections say by themselves is told at once.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/record.h"
#include "analyzer/transfer.h"

namespace ftpscope {

class TransferRules {
 public:
  static constexpr std::size_t kTransfersOpen = 4;  // not judged yet; more are in no session seen
  static constexpr std::size_t kChannelsOpen = 8;   // whose command is remembered
  static constexpr std::size_t kSizesAsked = 8;     // SIZE commands that wait for their replies
  static constexpr Duration kLate = std::chrono::seconds(5);
  static constexpr Duration kSilent = std::chrono::seconds(10);
  // A client that goes on so long after the data has ended does not wait for the 226 any more; one
  // that leaves within it may have left before the 226 came.
  static constexpr Duration kGivenUp = std::chrono::seconds(10);
  static constexpr Duration kFinalReplyDue = std::chrono::seconds(2);
  // Bytes; less is over before TCP is fast.
  static constexpr std::uint64_t kRated = std::uint64_t{1} << 20U;
  static constexpr std::uint64_t kFarSlower = 10;

  void on(const record::Session& session, Timestamp now, FindingSink& findings);
  void on(const record::Command& command, Timestamp now, FindingSink& findings);
  void on(const record::Reply& reply, Timestamp now, FindingSink& findings);
  void on(const record::ChannelExposed& exposed, Timestamp now, FindingSink& findings);
  void on(const record::ChannelOpened& opened, Timestamp now, FindingSink& findings);
  void on(const record::Data& data, Timestamp now, FindingSink& findings);
  void on(const record::Finding& finding, Timestamp now, FindingSink& findings);
  void on(const record::Opaque& opaque, Timestamp now, FindingSink& findings);
  void on(const record::Gap& gap, Timestamp now, FindingSink& findings);
  void on(const record::End& end, Timestamp now, FindingSink& findings);

 private:
  struct Channel {
    ChannelId id = 0;
    std::optional<CommandId> setup;
    bool connected = false;
  };
  // TYPE, MODE or STRU: a letter that counts when the server has agreed.
  struct Asked {
    CommandId id = 0;
    char letter = '\0';
    bool waits = false;  // for its reply
    bool refused = false;
  };
  struct AskedOffset {
    CommandId id = 0;
    std::optional<std::uint64_t> offset;
    bool accepted = false;
  };
  struct AskedSize {
    CommandId id = 0;
    PathKey path;
    bool exact = false;
  };
  struct Rated {
    CommandId transfer = 0;
    std::uint64_t rate = 0;
  };
  // What sessions need that come as far as a TYPE or a transfer.
  struct Memory {
    std::vector<Transfer> open;
    std::vector<Channel> channels;
    std::vector<AskedSize> sizes_asked;
    KnownSizes sizes;
    Asked type;
    Asked mode;
    Asked structure;
    std::optional<AskedOffset> rest;
    TransferSettings settings;
    bool type_set = false;
    CommandId setup = 0;           // the latest PORT, PASV, ...
    CommandId odd_address_of = 0;  // the latest of these whose address is no good
    FindingId odd_address = FindingId::count_;
    CommandId ended_setup = 0;  // of these, the one whose data connection was the latest to end
    ChannelEnd ended_how = ChannelEnd::fin;
    CommandId refused = 0;  // the latest transfer that was refused
    Rated fastest;
    Rated slowest;
  };

  Memory& memory();
  [[nodiscard]] bool sees_all() const { return greeted_ && !blind_; }

  void begin(const record::Command& command, const Verb& verb, Timestamp now,
             FindingSink& findings);
  [[nodiscard]] TransferSettings settings_now() const;
  std::optional<std::uint64_t> take_offset();
  void tell_never_completed(Transfer& transfer, std::string_view why, FindingSink& findings) const;
  void end_oldest(FindingSink& findings);
  void look_at_path(const record::Command& command, const Verb& verb);

  void on_transfer_reply(Transfer& transfer, const record::Reply& reply, Timestamp now,
                         FindingSink& findings);
  void on_preliminary(Transfer& transfer, const record::Reply& reply, Timestamp now,
                      FindingSink& findings);
  void on_settings_reply(const record::Reply& reply, bool completed);
  void on_size_reply(const record::Reply& reply, FindingSink& findings);
  [[nodiscard]] std::string why_not_opened(const Transfer& transfer,
                                           const record::Reply& reply) const;

  void tell_end(const record::Data& data, std::optional<CommandId> about, FindingSink& findings);
  void tell_late(const record::Data& data, const Transfer& transfer, FindingSink& findings) const;
  void rate(const record::Data& data, FindingSink& findings);
  void settle(CommandId id, FindingSink& findings);
  Transfer* find(std::optional<CommandId> id);
  Channel& channel(ChannelId id, std::optional<CommandId> setup);

  bool captured_ = false;
  bool greeted_ = false;  // the session was seen from its beginning
  bool blind_ = false;    // encrypted, or bytes are missing: what is not seen may have been said
  std::unique_ptr<Memory> memory_;
};

}  // namespace ftpscope
