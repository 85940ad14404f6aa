// Data connections that the kernel is to translate: elements in the maps of an nftables table of
// ours.
//
// The table has the `owner` flag: nobody else can change it, and the kernel removes it the moment
// that this process is gone, however it went. So nothing can be left of a crash, and of two
// instances each has its own: `ftpscope`, `ftpscope-2`, and so on.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "analyzer/endpoint.h"
#include "proxy/io/port_range.h"

struct nft_ctx;

namespace ftpscope {

// One data connection to come. All addresses are of one family.
struct NftExpectation {
  IpAddress peer;   // from this host,
  Endpoint here;    // to this address and port of ours:
  Endpoint target;  // the kernel leads it there,
  IpAddress as;     // coming from this address of ours
};

class NftExpectations {
 public:
  static constexpr int kTablesMax = 64;  // instances on one machine

  struct Watch {
    std::uint16_t group = 0;  // SYN, FIN and RST are copied to this nfnetlink_log group
    PortRange ports;          // of connections to these ports of ours
  };

  // Makes the table, in one transaction. The error is a sentence's end: what nft says.
  static std::expected<std::unique_ptr<NftExpectations>, std::string> open(const Watch& watch);
  NftExpectations(const NftExpectations&) = delete;
  NftExpectations& operator=(const NftExpectations&) = delete;
  ~NftExpectations();  // the table goes with it

  // The kernel forgets it by itself after `lifetime`. False: it did not take it.
  [[nodiscard]] bool add(const NftExpectation& expectation, std::chrono::seconds lifetime);
  void remove(const NftExpectation& expectation);

  [[nodiscard]] const std::string& table() const { return table_; }

 private:
  struct FreeContext {
    void operator()(nft_ctx* context) const;
  };
  using Context = std::unique_ptr<nft_ctx, FreeContext>;

  NftExpectations(Context context, std::string table);
  [[nodiscard]] static std::string run(nft_ctx* context, const std::string& commands);

  Context context_;
  std::string table_;
};

}  // namespace ftpscope
