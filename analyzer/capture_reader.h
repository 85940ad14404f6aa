// The packets of a capture file, pcap or pcapng. Knows the file formats and nothing of what is in a
// packet; does not read the file either: it is shown bytes, a whole mapped file or a window that
// grows, and says how many of them are done with.
//
// libpcap is not used for this: it stops at the first interface with another link type, at the
// first bad block, and cannot read a mapped file. It is the judge in the tests.
//
// Read are pcap of either byte order in micro- and nanoseconds and in Kuznetzov's dialect, and
// pcapng (draft-ietf-opsawg-pcapng): sections of either byte order, up to kInterfacesMax interfaces
// in each, EPB, SPB and the obsolete PB. Other blocks are skipped.
//
// Damage never ends the reading. It is told in one step, and reading goes on at the next place that
// looks like a block or a record: in pcapng a known type, and the same length in front and behind;
// in pcap two record headers in a row, with times near the last packet's. Each byte is looked at a
// fixed number of times, however the damage is made.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/byte_order.h"
#include "analyzer/record.h"

namespace ftpscope {

struct CapturedPacket {
  Timestamp time;  // within 1970..9999; a pcapng SPB has none and gets that of the last packet
  std::uint64_t number = 0;           // from 1
  std::uint64_t offset = 0;           // in the file, of its block or record
  int link_type = 0;                  // LINKTYPE_ of tcpdump.org/linktypes.html
  std::string_view bytes;             // in the window given to next()
  std::uint32_t original_length = 0;  // on the wire; bytes.size() is less when the capture cut it
};

// How an interface of a pcapng file counts time (if_tsresol and if_tsoffset).
struct CaptureClock {
  bool binary = false;        // ticks of 2^-exponent seconds, not of 10^-exponent
  std::uint8_t exponent = 6;  // 0..127
  std::int64_t offset_s = 0;

  [[nodiscard]] Timestamp at(std::uint64_t ticks) const;
};

class CaptureReader {
 public:
  static constexpr std::size_t kBlockMax = std::size_t{16} << 20U;  // pcapng; larger is damage
  static constexpr std::size_t kInterfacesMax = 1024;               // in a section
  static constexpr std::size_t kPacketMax = 262144;                 // captured; libpcap's limit too
  static constexpr std::uint32_t kOrderMagic = 0x1a2b3c4d;          // of a pcapng section

  struct Step {
    enum class Kind : std::uint8_t {
      packet,
      more,    // needs more bytes behind those that are left
      damage,  // `what` is a sentence; packet.offset is where, packet.number the last before it
      end,
    };
    Kind kind = Kind::more;
    std::size_t consumed = 0;  // of the bytes given; the next call gets those behind them
    CapturedPacket packet;
    std::string what;
  };

  // `available`: what has not been consumed yet. `complete`: nothing will come behind it. A window
  // of kBlockMax bytes is always enough to make progress.
  Step next(std::string_view available, bool complete);

  // What is false here is no capture at all; next() then gives one damage and the end. Needs 4
  // bytes, and 12 to be sure of pcapng.
  static bool looks_like_capture(std::string_view first_bytes);

 private:
  enum class Format : std::uint8_t { undecided, pcap, pcapng, foreign };
  struct Interface {
    int link_type = 0;
    std::uint32_t snap_length = 0;  // 0: no limit
    CaptureClock clock;
  };
  // What is found at one place of the file.
  struct Unit {
    enum class Kind : std::uint8_t { packet, other, more, damaged, lost, end };
    Kind kind = Kind::more;
    std::size_t size = 0;
    CapturedPacket packet = {};
    std::string what = {};  // of damaged (the next unit is known) and lost (it must be searched)
  };
  struct RecordHeader {
    std::uint32_t seconds = 0;
    std::uint32_t fraction = 0;
    std::uint32_t captured = 0;
    std::uint32_t original = 0;
  };
  enum class Likeness : std::uint8_t { no, yes, needs_more };

  Unit unit_at(std::string_view rest, bool complete);
  Unit decide(std::string_view rest, bool complete);
  static Unit too_short(std::string_view rest, bool complete, std::string_view what);

  Unit file_header(std::string_view rest, bool complete);
  Unit record(std::string_view rest, bool complete);
  [[nodiscard]] RecordHeader record_header(std::string_view rest) const;
  [[nodiscard]] bool plausible(const RecordHeader& header, std::uint32_t near_s) const;
  [[nodiscard]] Likeness like_record(std::string_view rest, bool complete) const;

  Unit block(std::string_view rest, bool complete);
  Unit body_of(std::uint32_t type, std::string_view body);
  Unit section(std::string_view body);
  Unit interface(std::string_view body);
  Unit enhanced_packet(std::string_view body);
  Unit simple_packet(std::string_view body);
  Unit obsolete_packet(std::string_view body);
  Unit packet_on(std::uint32_t interface_id, std::string_view rest, std::uint64_t ticks);
  [[nodiscard]] Likeness like_block(std::string_view rest, bool complete) const;

  Step found(Unit unit, std::size_t used);
  Step searched(std::string_view available, std::size_t used, bool complete);

  Format format_ = Format::undecided;
  ByteOrder order_ = ByteOrder::little;
  std::uint64_t offset_ = 0;  // in the file, of the next call's first byte
  std::uint64_t packets_ = 0;
  std::optional<Timestamp> last_time_;

  bool header_read_ = false;  // pcap
  bool nanoseconds_ = false;
  bool lengths_swapped_ = false;          // pcap before 2.3 had the two lengths the other way round
  bool lengths_perhaps_swapped_ = false;  // and 2.3 had both ways
  std::size_t header_size_ = 16;
  int link_type_ = 0;

  std::vector<Interface> interfaces_;  // of the pcapng section

  bool searching_ = false;
  std::uint64_t lost_at_ = 0;
  std::string lost_why_;
};

}  // namespace ftpscope
