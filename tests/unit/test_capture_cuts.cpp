// The recorded captures, cut, repeated, shuffled and torn: the same records.
#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/unit/frames.h"
#include "tests/unit/recorded.h"

using namespace ftpscope;
using namespace ftpscope::unit;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

// One segment as several, as a sender or a router might have cut it.
void cut(Dice& dice, const RecordedSegment& whole, std::vector<Recorded>& out) {
  const auto size = whole.bytes.size();
  const bool whole_there = whole.segment.length == size && !whole.segment.rst();
  std::set<std::size_t> at = {size};
  for (auto i = dice.below(4); whole_there && size > 1 && i > 0; --i) {
    at.insert(1 + dice.below(size - 1));
  }
  std::size_t begin = 0;
  for (const auto end : at) {
    auto piece = whole;
    auto& segment = piece.segment;
    piece.bytes = whole.bytes.substr(begin, end - begin);
    segment.seq += static_cast<std::uint32_t>(begin) + (segment.syn() && begin > 0 ? 1U : 0U);
    if (whole_there) segment.length = static_cast<std::uint32_t>(end - begin);
    if (begin > 0) segment.flags &= static_cast<std::uint8_t>(~TcpSegment::kSyn);
    if (end < size) segment.flags &= static_cast<std::uint8_t>(~TcpSegment::kFin);
    // RFC 9293 3.1: the pointer counts from this segment's own number.
    if (segment.urg() && segment.urgent <= begin) {
      segment.flags &= static_cast<std::uint8_t>(~TcpSegment::kUrg);
    }
    segment.urgent =
        static_cast<std::uint16_t>(segment.urgent - std::min<std::size_t>(begin, segment.urgent));
    out.emplace_back(piece);
    if (dice.below(5) == 0) out.emplace_back(piece);
    begin = end;
  }
}

std::vector<Recorded> cut_anyhow(Dice& dice, const std::vector<Recorded>& packets) {
  std::vector<Recorded> out;
  for (const auto& packet : packets) {
    if (const auto* segment = std::get_if<RecordedSegment>(&packet)) {
      cut(dice, *segment, out);
    } else {
      out.push_back(packet);
    }
  }
  return out;
}

Timestamp& time_of(Recorded& packet) {
  return std::visit([](auto& recorded) -> Timestamp& { return recorded.time; }, packet);
}

// Which connection a packet is of.
std::pair<Endpoint, Endpoint> connection_of(const Recorded& packet) {
  const auto* recorded = std::get_if<RecordedSegment>(&packet);
  if (!recorded) return {};
  return std::minmax(recorded->segment.from, recorded->segment.to);
}

// The packets of each connection shuffled in windows of so many packets within so long a time. The
// clock of the capture goes on.
void shuffle(Dice& dice, std::vector<Recorded>& packets, std::size_t window, Duration within) {
  std::map<std::pair<Endpoint, Endpoint>, std::vector<std::size_t>> places;
  for (std::size_t i = 0; i < packets.size(); ++i) places[connection_of(packets[i])].push_back(i);
  for (const auto& [connection, all] : places) {
    for (std::size_t begin = 0; begin < all.size();) {
      auto end = begin + 1;
      while (end < all.size() && end - begin < window &&
             time_of(packets[all[end]]) - time_of(packets[all[begin]]) <= within) {
        ++end;
      }
      std::vector<Recorded> some;
      for (auto i = begin; i < end; ++i) some.push_back(packets[all[i]]);
      dice.shuffle(some);
      for (auto i = begin; i < end; ++i) {
        const auto time = time_of(packets[all[i]]);
        packets[all[i]] = some[i - begin];
        time_of(packets[all[i]]) = time;
      }
      begin = end;
    }
  }
}

// Without what may differ when packets come in another order. Times, and what is made of them. The
// order of a data connection's records among those of the control connection and of other data
// connections, which gives them their numbers: nothing but the times says which was first. So what
// is left is compared as a set.
std::multiset<std::string> without_times(const std::vector<std::string>& lines) {
  static const std::set<std::string> kTimes = {
      "ts",      "seq",       "session",    "latency_us", "duration_us", "rate",
      "exposed", "connected", "first_byte", "last_byte",  "silence_us"};
  std::multiset<std::string> found;
  for (const auto& line : lines) {
    auto record = json::parse(line);
    for (const auto& name : kTimes) record.erase(name);
    if (record["kind"] == "data" || record["kind"] == "channel") record.erase("id");
    if (record["kind"] == "tls") record.erase("channel");
    if (record.contains("detail") && record["detail"].is_string()) {
      const auto detail = record["detail"].get<std::string>();
      record["detail"] = detail.substr(0, detail.find(" within "));  // 859 us
    }
    if (record["kind"] == "end") record.erase("by");  // both FINs were on their way
    found.insert(record.dump());
  }
  return found;
}

std::string difference(const std::multiset<std::string>& expected,
                       const std::multiset<std::string>& got) {
  std::string text;
  std::vector<std::string> some;
  std::ranges::set_difference(expected, got, std::back_inserter(some));
  for (const auto& line : some) text += "- " + line + "\n";
  some.clear();
  std::ranges::set_difference(got, expected, std::back_inserter(some));
  for (const auto& line : some) text += "+ " + line + "\n";
  return text;
}

// Captures whose records depend on more than the order of bytes, and why.
const std::set<std::string> kCutsMatter = {
    "gap-control.pcap",  // a hole is given up after so many segments, so the times differ
    "gap-data.pcap",
    "mid-stream.pcap",  // the same for the beginning
    "no-handshake.pcap",
    "overlap.pcap",  // a record for each of the segments that differ
};
const std::set<std::string> kOrderMatters = {
    "gap-control.pcap",  // where data connections belong is known by their order only
    "one-way-server.pcap",
    "snaplen-96.pcap",
    "overlap.pcap",     // what came first is kept
    "mid-stream.pcap",  // what belongs to the end of an earlier exchange
    "no-handshake.pcap",
    "loss-client.pcap",  // sent again after more than SegmentOrder::kHeldFor
    "loss-server.pcap",
    "ports-again.pcap",   // packets of the old connection behind the new one's SYN, and back
    "data-refused.pcap",  // the reset came before the command
    "port-theft.pcap",    // who was first
    "bad-mlsd.pcap",      // the listing came before the command that says what it is
    "nat-client-active-425-server.pcap",  // the ICMP message came before the command
    "tls-pureftpd-lftp.pcap",             // a reset, and what it was the answer to
    "tls-vsftpd-lftp.pcap",
    "tls12-not-closed.pcap",
    "tls12-not-resumed.pcap",
};

}  // namespace

TEST_CASE("recorded captures: any cut and any repetition of the segments, the very same records") {
  for (const auto& path : recorded_captures()) {
    CAPTURE(path.filename().string());
    const auto packets = packets_of(bytes_of(path));
    const auto expected = records_of(packets);
    const bool exact = !kCutsMatter.contains(path.filename().string());
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      CAPTURE(seed);
      Dice dice(seed);
      const auto got = records_of(cut_anyhow(dice, packets));
      if (!exact) continue;
      CHECK(got.size() == expected.size());
      for (std::size_t i = 0; i < std::min(got.size(), expected.size()); ++i) {
        if (got[i] == expected[i]) continue;
        CHECK(got[i] == expected[i]);
        break;
      }
    }
  }
}

TEST_CASE("recorded captures: any order within the window, the same records but for times") {
  for (const auto& path : recorded_captures()) {
    CAPTURE(path.filename().string());
    const auto packets = packets_of(bytes_of(path));
    const auto expected = without_times(records_of(packets));
    const bool exact = !kOrderMatters.contains(path.filename().string());
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      CAPTURE(seed);
      Dice dice(seed);
      auto changed = packets;
      shuffle(dice, changed, 4, 5ms);
      const auto got = without_times(records_of(changed));
      if (exact) CHECK(difference(expected, got) == "");
    }
  }
}

TEST_CASE("captures cut at every byte: damage is told, and what was before it is the same") {
  for (const auto* const name :
       {"not-ftp-server.pcap", "other-code-end.pcap", "pcapng-nanoseconds.pcapng"}) {
    CAPTURE(std::string(name));
    const auto file = bytes_of(std::filesystem::path(FTPSCOPE_CAPTURES) / "pcap" / name);
    REQUIRE(file.size() > 1000);
    // Where a packet, or another block, ends.
    std::map<std::size_t, std::size_t> packets_at;  // and how many packets there are then
    CaptureReader reader;
    std::size_t at = 0;
    std::size_t packets = 0;
    while (at < file.size()) {
      const auto step = reader.next(std::string_view(file).substr(at), true);
      REQUIRE(step.kind == CaptureReader::Step::Kind::packet);
      at += step.consumed;
      packets_at[at] = ++packets;
    }
    for (std::size_t size = 0; size <= file.size(); ++size) {
      CAPTURE(size);
      Lines lines;
      CaptureAnalysis analysis({}, lines, nullptr, {});
      REQUIRE(analysis.read(std::string_view(file).substr(0, size), true) == size);
      analysis.finish();
      const auto whole = packets_at.upper_bound(size);
      const auto before = whole == packets_at.begin() ? 0 : std::prev(whole)->second;
      // Before the first packet nothing says what a record looks like, so rubbish may pass for one.
      CHECK((analysis.packets() == before || before == 0));
      const auto count = [&](std::string_view text) {
        return std::ranges::count_if(
            lines.all, [&](const auto& line) { return line.find(text) != line.npos; });
      };
      CHECK(count("\"FTP-CAPTURE-DAMAGED\"") == (analysis.damaged() ? 1 : 0));
      if (packets_at.contains(size)) {
        CHECK_FALSE(analysis.damaged());
        continue;
      }
      // The same as of the packets before the cut, but for the damage.
      const auto end = before == 0 ? 0 : std::prev(whole)->first;
      auto expected = records_of_file(std::string_view(file).substr(0, end));
      auto got = lines.all;
      std::erase_if(
          got, [](const auto& line) { return line.find("\"session\":\"capture\"") != line.npos; });
      std::erase_if(expected, [](const auto& line) {
        return line.find("\"session\":\"capture\"") != line.npos;
      });
      CHECK(got == expected);
    }
  }
}
