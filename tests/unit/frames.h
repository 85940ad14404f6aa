// Frames and capture files made for tests, byte by byte: the writers share no code with the
// readers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ftpscope::unit {

// A number as `size` bytes, big endian unless told.
inline std::string number(std::uint64_t value, int size, bool little = false) {
  std::string bytes;
  for (int i = 0; i < size; ++i) {
    const auto shift = static_cast<unsigned>(little ? i : size - 1 - i) * 8U;
    bytes += static_cast<char>(value >> shift & 255U);
  }
  return bytes;
}
inline std::string u8(unsigned value) { return number(value, 1); }
inline std::string u16(unsigned value) { return number(value, 2); }
inline std::string u32(std::uint32_t value) { return number(value, 4); }

// ---------------------------------------------------------------- packets

struct TcpFields {
  unsigned from = 1234;
  unsigned to = 21;
  std::uint32_t seq = 1000;
  std::uint32_t ack = 2000;
  unsigned flags = 0x18;  // PSH ACK
  unsigned urgent = 0;
  std::string options = {};  // a multiple of 4 bytes
  std::string payload = "NOOP\r\n";
};

inline std::string tcp(const TcpFields& f) {
  const auto words = static_cast<unsigned>(5 + f.options.size() / 4);
  return u16(f.from) + u16(f.to) + u32(f.seq) + u32(f.ack) + u8(words << 4U) + u8(f.flags) +
         u16(512) + u16(0) + u16(f.urgent) + f.options + f.payload;
}

inline const std::string kClient4 = u32(0xc0000201);  // 192.0.2.1
inline const std::string kServer4 = u32(0xc6336402);  // 198.51.100.2

struct Ipv4Fields {
  unsigned protocol = 6;
  unsigned fragment = 0;  // flags and offset
  unsigned id = 7;
  int total = -1;            // as it is
  std::string options = {};  // a multiple of 4 bytes
};

inline std::string ipv4(const std::string& payload, const Ipv4Fields& f = {}) {
  const auto header = 20 + f.options.size();
  const auto total =
      f.total < 0 ? static_cast<unsigned>(header + payload.size()) : static_cast<unsigned>(f.total);
  return u8(0x40U + static_cast<unsigned>(header / 4)) + u8(0) + u16(total) + u16(f.id) +
         u16(f.fragment) + u8(64) + u8(f.protocol) + u16(0) + kClient4 + kServer4 + f.options +
         payload;
}

inline std::string ipv6_address(unsigned last) {
  return u32(0x20010db8) + u32(0) + u32(0) + u32(last);
}

inline std::string ipv6(const std::string& payload, unsigned next = 6, int length = -1) {
  const auto size =
      length < 0 ? static_cast<unsigned>(payload.size()) : static_cast<unsigned>(length);
  return u32(0x60000000) + u16(size) + u8(next) + u8(64) + ipv6_address(1) + ipv6_address(2) +
         payload;
}

inline std::string ethernet(const std::string& payload, unsigned type = 0x0800) {
  return std::string(12, '\x02') + u16(type) + payload;
}

// ---------------------------------------------------------------- files

struct FilePacket {
  std::uint64_t time_us = 1'700'000'000'000'000;
  std::string bytes = {};
  std::uint32_t original = 0;  // 0: all of them
  unsigned interface = 0;

  [[nodiscard]] std::uint32_t length() const {
    return original == 0 ? static_cast<std::uint32_t>(bytes.size()) : original;
  }
};

struct PcapFields {
  std::uint32_t magic = 0xa1b2c3d4;
  bool little = true;
  std::uint32_t link_type = 1;
  std::uint32_t snap_length = 262144;
  unsigned minor = 4;
};

inline std::string pcap_bytes(const std::vector<FilePacket>& packets, const PcapFields& f = {}) {
  const auto n = [&](std::uint64_t value, int size) { return number(value, size, f.little); };
  auto file =
      n(f.magic, 4) + n(2, 2) + n(f.minor, 2) + n(0, 8) + n(f.snap_length, 4) + n(f.link_type, 4);
  for (const auto& packet : packets) {
    const auto fraction = packet.time_us % 1'000'000 * (f.magic == 0xa1b23c4d ? 1000 : 1);
    const bool swapped = f.minor < 3;
    const auto captured = packet.bytes.size();
    file += n(packet.time_us / 1'000'000, 4) + n(fraction, 4) +
            n(swapped ? packet.length() : captured, 4) + n(swapped ? captured : packet.length(), 4);
    if (f.magic == 0xa1b2cd34) file += n(0, 8);
    file += packet.bytes;
  }
  return file;
}

// One section's blocks.
struct Pcapng {
  bool little = true;

  [[nodiscard]] std::string n(std::uint64_t value, int size) const {
    return number(value, size, little);
  }
  [[nodiscard]] std::string block(std::uint32_t type, std::string body) const {
    body.resize((body.size() + 3) / 4 * 4);
    const auto size = n(body.size() + 12, 4);
    return n(type, 4) + size + body + size;
  }
  [[nodiscard]] std::string section(unsigned major = 1) const {
    return block(0x0a0d0d0a, n(0x1a2b3c4d, 4) + n(major, 2) + n(0, 2) + n(~std::uint64_t{0}, 8));
  }
  [[nodiscard]] std::string option(unsigned code, const std::string& value) const {
    auto padded = value;
    padded.resize((value.size() + 3) / 4 * 4);
    return n(code, 2) + n(value.size(), 2) + padded;
  }
  [[nodiscard]] std::string interface(unsigned link_type = 1, std::uint32_t snap_length = 0,
                                      const std::string& options = {}) const {
    return block(1, n(link_type, 2) + n(0, 2) + n(snap_length, 4) + options);
  }
  [[nodiscard]] std::string packet(const FilePacket& p) const { return packet_at(p, p.time_us); }
  [[nodiscard]] std::string packet_at(const FilePacket& p, std::uint64_t ticks) const {
    return block(6, n(p.interface, 4) + n(ticks >> 32U, 4) + n(ticks & 0xffffffffU, 4) +
                        n(p.bytes.size(), 4) + n(p.length(), 4) + p.bytes);
  }
  [[nodiscard]] std::string obsolete(const FilePacket& p) const {
    return block(2, n(p.interface, 2) + n(0, 2) + n(p.time_us >> 32U, 4) +
                        n(p.time_us & 0xffffffffU, 4) + n(p.bytes.size(), 4) + n(p.length(), 4) +
                        p.bytes);
  }
  [[nodiscard]] std::string simple(const FilePacket& p) const {
    return block(3, n(p.length(), 4) + p.bytes);
  }
};

// The same numbers for the same seed, with every compiler.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::size_t below(std::size_t limit) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::size_t>(state_ >> 33U) % limit;
  }
  template <class Values>
  void shuffle(Values& values) {
    for (auto i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  std::uint64_t state_;
};

}  // namespace ftpscope::unit
