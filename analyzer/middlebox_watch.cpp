#include "analyzer/middlebox_watch.h"

#include <utility>

#include "analyzer/excerpt.h"

namespace ftpscope {

std::optional<MiddleboxWatch::Difference> MiddleboxWatch::line(Place place, Side from,
                                                               std::string_view text) {
  auto& already = already_[static_cast<std::size_t>(from)];
  if (place == Place::second && already > 0) {
    --already;
    return std::nullopt;
  }
  auto& ahead = ahead_[static_cast<std::size_t>(from)];
  if (over_) return std::nullopt;
  if (ahead.lines.empty() || ahead.place == place) {
    ahead.place = place;
    ahead.lines.emplace_back(excerpt(text));
    over_ = ahead.lines.size() > kAheadMax;
    return std::nullopt;
  }
  auto before = std::move(ahead.lines.front());
  ahead.lines.pop_front();
  if (before == excerpt(text) || std::exchange(ahead.told, true)) return std::nullopt;
  return Difference{std::move(before), std::string(excerpt(text))};
}

}  // namespace ftpscope
