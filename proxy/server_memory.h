// What servers have refused, for as long as the process lives: so that the next session need not
// ask again. Plain data, bounded; the server that was learned of first is forgotten first.
#pragma once

#include <cstddef>
#include <deque>
#include <map>

#include "analyzer/endpoint.h"
#include "analyzer/setup_form.h"

namespace ftpscope {

class ServerMemory {
 public:
  static constexpr std::size_t kServersMax = 1024;

  [[nodiscard]] SetupSet refused_setups(const Endpoint& server) const {
    const auto found = refused_.find(server);
    return found == refused_.end() ? SetupSet{} : found->second;
  }

  void refuses(const Endpoint& server, Setup setup) {
    const auto [entry, is_new] = refused_.try_emplace(server);
    entry->second.set(index_of(setup));
    if (!is_new) return;
    order_.push_back(server);
    if (order_.size() <= kServersMax) return;
    refused_.erase(order_.front());
    order_.pop_front();
  }

 private:
  std::map<Endpoint, SetupSet> refused_;
  std::deque<Endpoint> order_;
};

}  // namespace ftpscope
