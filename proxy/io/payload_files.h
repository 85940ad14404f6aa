// The payload files of a recording or an extraction: their names, how they are made, and which of
// them are the same. A name has nothing from the wire in it (threats.md S33), and a file that
// exists is never touched.
#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "analyzer/data_taker.h"

namespace ftpscope {

struct RecordLimits {
  static constexpr std::uint64_t kPayloadMax = std::uint64_t{16} << 30U;  // bytes of one
  static constexpr std::uint64_t kTotalMax = std::uint64_t{64} << 30U;    // of all, as stored

  std::uint64_t payload = kPayloadMax;
  std::uint64_t total = kTotalMax;
};

inline constexpr mode_t kPrivateFile = 0600;
inline constexpr mode_t kPrivateFolder = 0700;

// The descriptor of the folder, which is made if it is not there; -1 with errno.
int open_private_folder(const std::string& path);

std::string payload_name(const DataTaker::Source& source);

// A new private file; -1 with errno.
int create_private_file(int folder, const std::string& name);

// Writes all of it, at `offset`; false with errno.
bool write_at(int fd, std::string_view bytes, std::uint64_t offset);

class Sha256 {
 public:
  // Whoever needs one in the middle of a session loads libcrypto before the first (late_library.h).
  static void load() { const Sha256 first; }

  Sha256();
  void add(std::string_view bytes);
  std::string finish();  // in hexadecimal; nothing may follow

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest_;
};

// Of a whole file, whatever its position; empty when it cannot be read.
std::string sha256_of(int fd);

// Payloads by their bytes, so that equal ones are stored once.
class KnownPayloads {
 public:
  static constexpr std::size_t kMax = 100'000;  // those that come later are stored each by itself

  // The older file with these bytes; none: `name` is the first.
  std::optional<std::string> same_as(const std::string& sha256, const std::string& name);

 private:
  std::map<std::string, std::string> names_;  // by hash
};

}  // namespace ftpscope
