// A capture read to its end in two ways: by CaptureReader, through windows of any size, and by
// libpcap.
#pragma once

#include <pcap/pcap.h>

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/capture_reader.h"

namespace ftpscope::unit {

struct ReadPacket {
  std::int64_t time_us = 0;
  int link_type = 0;
  std::string bytes;
  std::uint32_t original = 0;
  bool operator==(const ReadPacket&) const = default;
};

struct ReadDamage {
  std::uint64_t offset = 0;
  std::uint64_t packet = 0;
  std::string what;
  bool operator==(const ReadDamage&) const = default;
};

struct Reading {
  std::vector<ReadPacket> packets;
  std::vector<ReadDamage> damages;
  std::size_t steps = 0;
  bool ended = false;
  bool operator==(const Reading& other) const {
    return packets == other.packets && damages == other.damages && ended == other.ended;
  }
};

// `chunk`: the window grows by so many bytes when the reader wants more; 0: a mapped file.
inline Reading read_capture(std::string_view file, std::size_t chunk = 0) {
  Reading reading;
  CaptureReader reader;
  std::size_t begin = 0;
  std::size_t end = chunk == 0 ? file.size() : 0;
  while (!reading.ended) {
    const std::string window(file.substr(begin, end - begin));  // its memory is gone afterwards
    const bool complete = end == file.size();
    auto step = reader.next(chunk == 0 ? file.substr(begin) : window, complete);
    ++reading.steps;
    assert(step.consumed <= end - begin);
    using Kind = CaptureReader::Step::Kind;
    const auto& packet = step.packet;
    switch (step.kind) {
      case Kind::packet:
        assert(packet.number == reading.packets.size() + 1);
        reading.packets.push_back({packet.time.time_since_epoch().count(), packet.link_type,
                                   std::string(packet.bytes), packet.original_length});
        break;
      case Kind::damage:
        reading.damages.push_back({packet.offset, packet.number, std::move(step.what)});
        break;
      case Kind::more:
        assert(!complete);
        end = std::min(file.size(), end + chunk);
        break;
      case Kind::end: reading.ended = true; break;
    }
    begin += step.consumed;
    assert(begin <= end);
  }
  assert(begin == file.size());
  return reading;
}

struct LibpcapReading {
  std::vector<ReadPacket> packets;  // link types as DLT_
  bool whole = false;               // it found no fault
  int snap_length = 0;
};

inline LibpcapReading read_with_libpcap(std::string file) {
  LibpcapReading reading;
  if (file.empty()) return reading;
  char error[PCAP_ERRBUF_SIZE];
  std::FILE* const stream = fmemopen(file.data(), file.size(), "rb");
  pcap_t* const capture = pcap_fopen_offline(stream, error);
  if (capture == nullptr) {
    std::fclose(stream);
    return reading;
  }
  pcap_pkthdr* header = nullptr;
  const unsigned char* bytes = nullptr;
  int result = 0;
  while ((result = pcap_next_ex(capture, &header, &bytes)) == 1) {
    reading.packets.push_back({header->ts.tv_sec * 1'000'000 + header->ts.tv_usec,
                               pcap_datalink(capture),
                               {reinterpret_cast<const char*>(bytes), header->caplen},
                               header->len});
  }
  reading.whole = result == PCAP_ERROR_BREAK;
  reading.snap_length = pcap_snapshot(capture);
  pcap_close(capture);
  return reading;
}

}  // namespace ftpscope::unit
