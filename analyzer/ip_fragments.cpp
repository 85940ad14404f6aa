#include "analyzer/ip_fragments.h"

#include <algorithm>

namespace ftpscope {

bool IpFragments::same(const Datagram& datagram, const Fragment& fragment) {
  const auto& part = fragment.part;
  // RFC 8200 4.5: the protocol is not part of what identifies an IPv6 datagram.
  return datagram.id == fragment.id && datagram.v6 == fragment.v6 && datagram.from == part.from &&
         datagram.to == part.to && (fragment.v6 || datagram.protocol == part.protocol);
}

IpFragments::Datagram& IpFragments::datagram_of(const Fragment& fragment, Timestamp time) {
  std::erase_if(datagrams_, [&](const Datagram& old) { return time - old.started > kTimeout; });
  const auto found =
      std::ranges::find_if(datagrams_, [&](const Datagram& old) { return same(old, fragment); });
  if (found != datagrams_.end()) return *found;
  if (datagrams_.size() == kDatagramsMax) datagrams_.pop_front();
  auto& datagram = datagrams_.emplace_back();
  datagram.from = fragment.part.from;
  datagram.to = fragment.part.to;
  datagram.id = fragment.id;
  datagram.protocol = fragment.part.protocol;
  datagram.v6 = fragment.v6;
  datagram.started = time;
  return datagram;
}

void IpFragments::fill(Datagram& datagram, const Fragment& fragment) {
  const auto bytes = fragment.part.bytes;
  const std::size_t end = fragment.offset + fragment.part.length;
  if (!fragment.more && !datagram.size) datagram.size = end;
  // RFC 8200 4.5: that of the first fragment counts.
  if (fragment.offset == 0) datagram.protocol = fragment.part.protocol;
  datagram.bytes.resize(std::max(datagram.bytes.size(), fragment.offset + bytes.size()));
  for (std::size_t at = 0; at < fragment.part.length; at += kUnit) {
    const auto unit = (fragment.offset + at) / kUnit;
    const auto size = std::min<std::size_t>(kUnit, fragment.part.length - at);
    datagram.sent.set(unit);
    if (datagram.captured.test(unit) || bytes.size() < at + size) continue;
    datagram.captured.set(unit);
    bytes.copy(datagram.bytes.data() + fragment.offset + at, size, at);
  }
}

bool IpFragments::whole(const Datagram& datagram) {
  if (!datagram.size) return false;
  const auto units = (*datagram.size + kUnit - 1) / kUnit;
  if (datagram.sent.count() < units) return false;
  for (std::size_t unit = 0; unit < units; ++unit) {
    if (!datagram.sent.test(unit)) return false;
  }
  return true;
}

IpPayload IpFragments::payload_of(const Datagram& datagram) {
  std::size_t unit = 0;
  while (unit < datagram.captured.size() && datagram.captured.test(unit)) ++unit;
  const auto captured = std::min({unit * kUnit, *datagram.size, datagram.bytes.size()});
  return {datagram.from, datagram.to, datagram.protocol,
          std::string_view(datagram.bytes).substr(0, captured),
          static_cast<std::uint32_t>(*datagram.size)};
}

std::optional<IpPayload> IpFragments::add(const Fragment& fragment, Timestamp time) {
  finished_.clear();
  const auto length = fragment.part.length;
  const bool ragged = fragment.more && length % kUnit != 0;
  if (length == 0 || ragged || fragment.offset + std::size_t{length} >= kBytesMax) {
    return std::nullopt;
  }
  auto& datagram = datagram_of(fragment, time);
  fill(datagram, fragment);
  if (!whole(datagram)) return std::nullopt;
  const auto place =
      std::ranges::find_if(datagrams_, [&](const Datagram& one) { return &one == &datagram; });
  finished_.splice(finished_.begin(), datagrams_, place);
  return payload_of(finished_.front());
}

}  // namespace ftpscope
