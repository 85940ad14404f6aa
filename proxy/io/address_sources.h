// Where the addresses of `public:` rules come from when they may change: a name, a file, a network
// interface. They are read at the start, and again at an interval on libuv's thread pool, so that a
// slow resolver or disk holds up no session. What cannot be read leaves the last good addresses in
// place, and is told once on stderr; so is what has changed.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "analyzer/record.h"
#include "proxy/io/uv_ptr.h"
#include "rewriters/address_policy.h"

namespace ftpscope {

// All addresses that a source has now (`source` as in AddressRule), or why it has none. Blocks.
// A file has one address a line, blank lines and those behind a # apart; an interface's link-local
// addresses do not count.
std::expected<std::vector<IpAddress>, std::string> read_address_source(const std::string& source);

class AddressSources {
 public:
  static constexpr Duration kFileInterval = std::chrono::seconds(1);   // interfaces, too
  static constexpr Duration kNameInterval = std::chrono::seconds(60);  // of --resolve-interval
  static constexpr std::size_t kFileMax = 4096;                        // bytes of such a file

  AddressSources() = default;
  AddressSources(const AddressSources&) = delete;
  AddressSources& operator=(const AddressSources&) = delete;

  // Reads every source of the policy's rules. Blocks. The error is a sentence: a proxy does not
  // start with a rule that says nothing.
  std::expected<void, std::string> add(const AddressPolicy& policy);
  // `name_interval` zero: names are not looked up again.
  void start(uv_loop_t* loop, Duration name_interval);
  void close();

 private:
  struct Source {
    std::string rule;
    std::string text;
    std::shared_ptr<AddressPair> addresses;
    std::uint64_t next = 0;  // when it is due, in milliseconds of the loop
    bool reading = false;
    bool failed = false;  // and that was told
  };
  struct Reading;

  void on_tick();
  void read(std::size_t place);
  void on_read(const Reading& reading);

  uv_loop_t* loop_ = nullptr;
  Duration name_interval_{};
  std::vector<Source> sources_;
  UvPtr<uv_timer_t> timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for readings that outlive us
};

}  // namespace ftpscope
