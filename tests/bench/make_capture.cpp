// Writes the captures that `ftpscope analyze` is measured with (README.md):
//
//     make_capture data FILE MIB            downloads of so many MiB, control dialogues around them
//     make_capture control FILE MESSAGES    so many commands and replies, and no data connection
//
// Prints how many packets, commands and replies and bytes of payload there are, as JSON. Frames are
// Ethernet, IPv4 and TCP with timestamps; checksums are zero, as a sender with offloading has them.
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace ftpscope::bench {

namespace {

constexpr std::uint8_t kFin = 0x01;
constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kPush = 0x08;
constexpr std::uint8_t kAck = 0x10;

enum Side : std::uint8_t { client, server };

// One TCP connection: who, and where each of them is in the sequence numbers.
struct Connection {
  std::array<std::uint32_t, 2> ip;
  std::array<std::uint16_t, 2> port;
  std::array<std::uint32_t, 2> seq;
};

struct Totals {
  std::uint64_t packets = 0;
  std::uint64_t messages = 0;  // commands and replies
  std::uint64_t payload = 0;   // of data connections
};

void put_big(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift & 0xff));
  }
}

void put_little(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<char>(value >> shift & 0xff));
  }
}

class CaptureFile {
 public:
  explicit CaptureFile(const std::string& path) : file_(path, std::ios::binary) {
    constexpr std::uint32_t kEthernet = 1;
    put_little(buffer_, 0xa1b2c3d4);
    for (const std::uint32_t field : {0x00040002U, 0U, 0U, 262144U, kEthernet}) {
      put_little(buffer_, field);
    }
  }

  void segment(Connection& way, Side from, std::uint8_t flags, std::string_view payload = {}) {
    const auto to = from == client ? server : client;
    const auto frame = static_cast<std::uint32_t>(kHeaders + payload.size());
    micros_ += 3 + payload.size() / 1000;
    put_little(buffer_, static_cast<std::uint32_t>(1'800'000'000 + micros_ / 1'000'000));
    put_little(buffer_, static_cast<std::uint32_t>(micros_ % 1'000'000));
    put_little(buffer_, frame);
    put_little(buffer_, frame);
    put_big(buffer_, 0x0200000000000000 + way.ip[to], 8);  // two MAC addresses, 12 bytes
    put_big(buffer_, way.ip[from], 4);
    put_big(buffer_, 0x0800, 2);
    put_big(buffer_, 0x4500, 2);
    put_big(buffer_, frame - kEthernetHeader, 2);
    put_big(buffer_, 0x00004000, 4);  // not a fragment
    put_big(buffer_, 0x40060000, 4);  // TTL, TCP
    put_big(buffer_, way.ip[from], 4);
    put_big(buffer_, way.ip[to], 4);
    put_big(buffer_, way.port[from], 2);
    put_big(buffer_, way.port[to], 2);
    put_big(buffer_, way.seq[from], 4);
    put_big(buffer_, (flags & kAck) != 0 ? way.seq[to] : 0, 4);
    put_big(buffer_, 0x8000U | flags, 2);  // 32 bytes of header
    put_big(buffer_, 0xffff00000000, 6);
    put_big(buffer_, 0x0101080a, 4);  // RFC 7323 timestamps
    put_big(buffer_, micros_ / 1000, 4);
    put_big(buffer_, micros_ / 1000, 4);
    buffer_ += payload;
    way.seq[from] += static_cast<std::uint32_t>(payload.size()) + ((flags & (kSyn | kFin)) ? 1 : 0);
    ++totals.packets;
    if (buffer_.size() > kPiece) flush();
  }

  void open(Connection& way) {
    segment(way, client, kSyn);
    segment(way, server, kSyn | kAck);
    segment(way, client, kAck);
  }
  void close(Connection& way, Side first) {
    segment(way, first, kFin | kAck);
    segment(way, first == client ? server : client, kFin | kAck);
    segment(way, first, kAck);
  }
  void message(Connection& way, Side from, std::string_view text) {
    segment(way, from, kPush | kAck, text);
    ++totals.messages;
  }
  bool flush() {
    file_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    buffer_.clear();
    return file_.flush().good();
  }

  Totals totals;

 private:
  static constexpr std::size_t kEthernetHeader = 14;
  static constexpr std::size_t kHeaders = kEthernetHeader + 20 + 32;
  static constexpr std::size_t kPiece = std::size_t{1} << 20U;

  std::ofstream file_;
  std::string buffer_;
  std::uint64_t micros_ = 0;
};

// Session number `number`, from an address of its own in 10/8 to 198.51.100.5.
constexpr std::uint32_t kServerIp = 0xc6336405;
Connection control_connection(std::uint32_t number) {
  return {{0x0a000001 + number / 20'000, kServerIp},
          {static_cast<std::uint16_t>(1024 + number % 20'000), 21},
          {number * 7919, number * 104'729}};
}

void log_in(CaptureFile& file, Connection& control) {
  file.open(control);
  file.message(control, server, "220 Welcome to the archive.\r\n");
  file.message(control, client, "USER anonymous\r\n");
  file.message(control, server, "331 Please specify the password.\r\n");
  file.message(control, client, "PASS guest@example.org\r\n");
  file.message(control, server, "230 Login successful.\r\n");
  file.segment(control, client, kAck);
}

void log_out(CaptureFile& file, Connection& control) {
  file.message(control, client, "QUIT\r\n");
  file.message(control, server, "221 Goodbye.\r\n");
  file.close(control, server);
}

std::string passive_reply(std::uint16_t port) {
  return "227 Entering Passive Mode (198,51,100,5," + std::to_string(port >> 8U) + "," +
         std::to_string(port & 0xffU) + ").\r\n";
}

// ---------------------------------------------------------------- data

// Segments as a wire has them, or as offloading shows them to a capture on the host.
constexpr std::array<std::size_t, 2> kSegmentSizes = {1448, 62'000};
constexpr std::uint64_t kFileSize = std::uint64_t{32} << 20U;

void download(CaptureFile& file, Connection& control, std::uint32_t number, std::string_view text) {
  const auto port = static_cast<std::uint16_t>(40'000 + number % 20'000);
  Connection data{control.ip,
                  {static_cast<std::uint16_t>(30'000 + number % 10'000), port},
                  {number * 31, number * 37}};
  const auto size = kSegmentSizes[number % kSegmentSizes.size()];
  file.message(control, client, "PASV\r\n");
  file.message(control, server, passive_reply(port));
  file.open(data);
  file.message(control, client, "RETR pub/release-" + std::to_string(number) + ".iso\r\n");
  file.message(control, server, "150 Opening BINARY mode data connection.\r\n");
  std::uint64_t left = kFileSize;
  for (bool odd = true; left > 0; odd = !odd) {
    const auto now = std::min<std::uint64_t>(left, size);
    file.segment(data, server, kAck, text.substr(left % 1000, now));
    left -= now;
    if (odd) file.segment(data, client, kAck);
  }
  file.close(data, server);
  file.message(control, server, "226 Transfer complete.\r\n");
  file.totals.payload += kFileSize;
}

void write_data(CaptureFile& file, std::uint64_t mib) {
  std::string text(70'000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i)
    text[i] = static_cast<char>(i * i * 2654435761U >> 9);
  std::uint32_t number = 0;
  for (std::uint32_t session = 0; file.totals.payload < mib << 20U; ++session) {
    auto control = control_connection(session);
    log_in(file, control);
    for (int i = 0; i < 4 && file.totals.payload < mib << 20U; ++i) {
      download(file, control, number++, text);
    }
    log_out(file, control);
  }
}

// ---------------------------------------------------------------- control

struct Exchange {
  std::string_view command;
  std::vector<std::string_view> replies;
};

const auto kExchanges = std::to_array<Exchange>({
    {"CWD /pub/releases/2026\r\n", {"250 Directory successfully changed.\r\n"}},
    {"PWD\r\n", {"257 \"/pub/releases/2026\" is the current directory\r\n"}},
    {"TYPE I\r\n", {"200 Switching to Binary mode.\r\n"}},
    {"SIZE ftpscope-0.1.0.tar.xz\r\n", {"213 1048576\r\n"}},
    {"MDTM ftpscope-0.1.0.tar.xz\r\n", {"213 20261121094339\r\n"}},
    {"NOOP\r\n", {"200 NOOP ok.\r\n"}},
    {"SIZE missing.txt\r\n", {"550 Could not get file size.\r\n"}},
    {"MLST ftpscope-0.1.0.tar.xz\r\n",
     {"250-Listing:\r\n type=file;size=1048576; ftpscope-0.1.0.tar.xz\r\n250 End\r\n"}},
    {"RNFR draft.txt\r\n", {"350 Ready for RNTO.\r\n"}},
    {"RNTO final.txt\r\n", {"250 Rename successful.\r\n"}},
    {"PASV\r\n", {}},  // its reply has a port
    {"LIST\r\n", {"150 Here comes the directory listing.\r\n", "226 Directory send OK.\r\n"}},
});

// A session in the middle of its work.
struct Busy {
  Connection control{};
  std::uint32_t number = 0;
  std::size_t done = 0;  // exchanges
};

// False: this was its last one.
bool go_on(CaptureFile& file, Busy& session) {
  constexpr std::size_t kExchangesEach = 600;
  if (session.done == 0) log_in(file, session.control);
  const auto& exchange = kExchanges[session.done++ % kExchanges.size()];
  file.message(session.control, client, exchange.command);
  for (const auto reply : exchange.replies) file.message(session.control, server, reply);
  if (exchange.replies.empty()) {
    const auto port = 1024 + (std::size_t{session.number} * 31 + session.done * 7) % 60'000;
    file.message(session.control, server, passive_reply(static_cast<std::uint16_t>(port)));
  }
  if (session.done < kExchangesEach) return true;
  log_out(file, session.control);
  return false;
}

// A hundred sessions at a time, in turn.
void write_control(CaptureFile& file, std::uint64_t messages) {
  std::uint32_t number = 0;
  const auto fresh = [&number] {
    const auto mine = number++;
    return Busy{control_connection(mine), mine};
  };
  std::vector<Busy> busy(100);
  for (auto& session : busy) session = fresh();
  while (file.totals.messages < messages) {
    for (auto& session : busy) {
      if (!go_on(file, session)) session = fresh();
    }
  }
  for (auto& session : busy) {
    if (session.done > 0) log_out(file, session.control);
  }
}

}  // namespace

}  // namespace ftpscope::bench

int main(int argc, char** argv) {
  using namespace ftpscope::bench;
  const std::vector<std::string_view> words(argv, argv + argc);
  std::uint64_t amount = 0;
  const bool understood =
      words.size() == 4 && (words[1] == "data" || words[1] == "control") &&
      std::from_chars(words[3].begin(), words[3].end(), amount).ec == std::errc{};
  if (!understood) {
    std::cerr << "make_capture data FILE MIB | make_capture control FILE MESSAGES\n";
    return 2;
  }
  CaptureFile file{std::string(words[2])};
  words[1] == "data" ? write_data(file, amount) : write_control(file, amount);
  if (!file.flush()) {
    std::cerr << "make_capture: cannot write " << words[2] << '\n';
    return 1;
  }
  std::cout << "{\"packets\": " << file.totals.packets << ", \"messages\": " << file.totals.messages
            << ", \"payload\": " << file.totals.payload << "}\n";
  return 0;
}
