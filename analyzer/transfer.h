// One transfer as far as the records tell of it: what was asked for, under which settings, how its
// data ended and how the server answered. And the sizes of files that were told or seen before.
// Plain data and pure functions; transfer_judgement.h says what is odd about it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "analyzer/record.h"
#include "analyzer/verbs.h"

namespace ftpscope {

// What TYPE, MODE and STRU have set: RFC 959 5.1's defaults at first. '\0': not known, since a
// command has no reply yet, or was not seen.
struct TransferSettings {
  char type = 'A';
  char mode = 'S';
  char structure = 'F';

  // The bytes on the wire are the bytes of the file.
  [[nodiscard]] bool exact() const { return binary() && plain(); }
  [[nodiscard]] bool binary() const { return type == 'I' || type == 'L'; }
  // On the wire is nothing but the file: no block headers, no compression.
  [[nodiscard]] bool plain() const { return mode == 'S' && structure == 'F'; }
};

// A path by its text: two that are spelled alike are the same file until the directory changes.
// Eight bytes, since a session remembers several. None: there is no path, or it was hidden.
using PathKey = std::optional<std::uint64_t>;
PathKey path_key(const record::Command& command);

struct DataEnd {
  std::uint64_t bytes = 0;
  std::uint64_t missing = 0;  // of a capture
  ChannelEnd how = ChannelEnd::fin;
  std::string why;  // of connect_failed
  std::optional<Side> closed_first;
  bool connected = false;
  Timestamp closed;
};

struct Transfer {
  CommandId id = 0;
  const Verb* verb = nullptr;
  PathKey path;
  Timestamp begun;
  TransferSettings settings;
  std::optional<std::uint64_t> offset = 0;  // REST; none: not known whether it was accepted
  std::optional<Timestamp> preliminary;     // the first 1yz
  std::optional<std::uint64_t> announced;   // "(1234 bytes)" in it
  std::optional<int> code;                  // of the final reply
  bool aborted = false;                     // ABOR was sent
  bool given_up = false;                    // that its final reply never came has been told
  std::optional<DataEnd> data;

  [[nodiscard]] bool succeeded() const { return code && *code >= 200 && *code < 300; }
  // "no such file": it never began.
  [[nodiscard]] bool refused() const { return code && *code >= 400 && !preliminary; }
  // For a reason that has nothing to do with the data connection.
  [[nodiscard]] bool refused_itself() const { return refused() && *code != 425 && *code != 426; }
  [[nodiscard]] bool downloads() const { return verb->meaning == Meaning::download; }
  // RETR, STOR, APPE, STOU: a file, not a listing.
  [[nodiscard]] bool of_a_file() const;
  [[nodiscard]] Side receiver() const { return downloads() ? Side::client : Side::server; }
};

// Sizes by path: what SIZE said, and how many bytes a STOR sent. The oldest is forgotten.
class KnownSizes {
 public:
  static constexpr std::size_t kTransfersRemembered = 8;

  struct Entry {
    std::uint64_t path = 0;
    std::uint64_t bytes = 0;
    bool exact = false;     // neither SIZE nor STOR was asked to convert line ends
    bool uploaded = false;  // else SIZE said so
    bool used = false;
  };

  void remember(const Entry& entry);
  [[nodiscard]] std::optional<Entry> find(PathKey path) const;
  void forget(PathKey path);
  void forget_all() { entries_ = {}; }

 private:
  std::array<Entry, kTransfersRemembered> entries_{};
  std::size_t next_ = 0;
};

// A decimal number and nothing else. None: there is none, or it has more than 18 digits.
std::optional<std::uint64_t> parse_count(std::string_view text);
// "213 1234", the reply to SIZE (RFC 3659 4.1).
std::optional<std::uint64_t> size_in_reply(std::span<const std::string_view> lines);
// "150 Opening BINARY mode data connection for a (1234 bytes)." Custom, not standard.
std::optional<std::uint64_t> announced_size(std::span<const std::string_view> lines);

}  // namespace ftpscope
