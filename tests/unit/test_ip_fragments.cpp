#include "analyzer/ip_fragments.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/frames.h"

using namespace ftpscope;
using namespace ftpscope::unit;

namespace {

const IpAddress kFrom = IpAddress::v4(192, 0, 2, 1);
const IpAddress kTo = IpAddress::v4(198, 51, 100, 2);
const Timestamp kStart{std::chrono::seconds(1'700'000'000)};

Fragment part_of(std::string_view datagram, std::size_t offset, std::size_t size,
                 std::uint32_t id = 1) {
  const auto bytes = datagram.substr(offset, size);
  return {{kFrom, kTo, 6, bytes, static_cast<std::uint32_t>(bytes.size())},
          false,
          id,
          static_cast<std::uint32_t>(offset),
          offset + size < datagram.size()};
}

std::vector<Fragment> parts_of(std::string_view datagram, std::size_t size) {
  std::vector<Fragment> parts;
  for (std::size_t at = 0; at < datagram.size(); at += size) {
    parts.push_back(part_of(datagram, at, size));
  }
  return parts;
}

std::string random_bytes(Dice& dice, std::size_t size) {
  std::string bytes;
  while (bytes.size() < size) bytes += static_cast<char>(dice.below(256));
  return bytes;
}

}  // namespace

TEST_CASE("any cut, any order, any duplicates: the same datagram, once") {
  Dice dice(1);
  for (int round = 0; round < 300; ++round) {
    const auto datagram = random_bytes(dice, 9 + dice.below(round < 290 ? 300 : 65'000));
    const auto unit = std::max<std::size_t>(8, (1 + dice.below(datagram.size() / 8)) * 8);
    auto parts = parts_of(datagram, unit);
    const auto needed = parts.size();
    if (needed < 2) continue;
    for (auto extra = dice.below(4); extra > 0; --extra) {
      parts.push_back(parts[dice.below(needed)]);
    }
    dice.shuffle(parts);
    IpFragments fragments;
    std::size_t whole = 0;
    for (const auto& part : parts) {
      const auto payload = fragments.add(part, kStart);
      if (!payload) continue;
      ++whole;
      CHECK(payload->bytes == datagram);
      CHECK(payload->length == datagram.size());
      CHECK(payload->protocol == 6);
      CHECK(payload->from == kFrom);
      CHECK(payload->to == kTo);
    }
    CHECK(whole >= 1);
  }
}

TEST_CASE("overlaps: what came first is kept") {
  IpFragments fragments;
  CHECK_FALSE(fragments.add(part_of("aaaaaaaaaaaaaaaaXX", 0, 16), kStart));
  CHECK_FALSE(fragments.add(part_of("bbbbbbbbbbbbbbbbbbbbbbbbXX", 8, 16), kStart));
  const auto payload = fragments.add(part_of("cccccccccccccccccccccccccc", 16, 10), kStart);
  REQUIRE(payload);
  CHECK(payload->bytes == "aaaaaaaaaaaaaaaabbbbbbbbcc");
  CHECK(fragments.unfinished() == 0);
}

TEST_CASE("datagrams do not mix: id, addresses, protocol, version") {
  const std::string_view datagram = "0123456789abcdef";
  const auto first = part_of(datagram, 0, 8);
  const auto second = part_of(datagram, 8, 8);
  const auto other = [&](auto change) {
    IpFragments fragments;
    CHECK_FALSE(fragments.add(first, kStart));
    auto changed = second;
    change(changed);
    return fragments.add(changed, kStart).has_value();
  };
  CHECK(other([](Fragment&) {}));
  CHECK_FALSE(other([](Fragment& part) { part.id = 2; }));
  CHECK_FALSE(other([](Fragment& part) { part.part.from = kTo; }));
  CHECK_FALSE(other([](Fragment& part) { part.part.to = kFrom; }));
  CHECK_FALSE(other([](Fragment& part) { part.part.protocol = 17; }));
  CHECK_FALSE(other([](Fragment& part) { part.v6 = true; }));
}

TEST_CASE("the protocol of an IPv6 datagram is that of its first fragment") {
  const std::string_view datagram = "0123456789abcdef";
  auto first = part_of(datagram, 0, 8);
  auto second = part_of(datagram, 8, 8);
  first.v6 = second.v6 = true;
  second.part.protocol = 60;
  IpFragments fragments;
  CHECK_FALSE(fragments.add(second, kStart));
  CHECK(fragments.add(first, kStart)->protocol == 6);
}

TEST_CASE("a capture that cut the fragments short has the bytes up to the first that is missing") {
  const std::string datagram = "0123456789abcdefghijklmn";
  auto parts = parts_of(datagram, 16);
  parts[0].part.bytes = parts[0].part.bytes.substr(0, 12);
  IpFragments fragments;
  CHECK_FALSE(fragments.add(parts[1], kStart));
  const auto payload = fragments.add(parts[0], kStart);
  REQUIRE(payload);
  CHECK(payload->bytes == "01234567");
  CHECK(payload->length == 24);
}

TEST_CASE("limits: time, number of datagrams, their size") {
  const std::string_view datagram = "0123456789abcdef";
  const auto arrives = [&](std::chrono::microseconds later) {
    IpFragments fragments;
    CHECK_FALSE(fragments.add(part_of(datagram, 0, 8), kStart));
    return fragments.add(part_of(datagram, 8, 8), kStart + later).has_value();
  };
  CHECK(arrives(IpFragments::kTimeout));
  CHECK(arrives(std::chrono::seconds(-5)));  // times of a capture may go back
  CHECK_FALSE(arrives(IpFragments::kTimeout + std::chrono::microseconds(1)));

  IpFragments fragments;
  for (std::uint32_t id = 0; id <= IpFragments::kDatagramsMax; ++id) {
    CHECK_FALSE(fragments.add(part_of(datagram, 0, 8, id), kStart));
  }
  CHECK(fragments.unfinished() == IpFragments::kDatagramsMax);
  CHECK_FALSE(fragments.add(part_of(datagram, 8, 8, 0), kStart));  // the oldest was given up
  CHECK(fragments.add(part_of(datagram, 8, 8, 5), kStart));

  const std::string huge(70'000, 'x');
  for (const auto& part : parts_of(huge, 8192)) CHECK_FALSE(fragments.add(part, kStart));
  auto ragged = part_of(datagram, 0, 7);
  CHECK_FALSE(fragments.add(ragged, kStart));
  CHECK_FALSE(fragments.add(part_of("", 0, 0), kStart));
}
