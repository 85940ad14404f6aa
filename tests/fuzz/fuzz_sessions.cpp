// The bytes of a capture file, all the way to records: nothing crashes, every record can be read,
// every session ends, and where the file is cut makes no difference. Input: the file; those of
// captures/pcap are seeds. Each is analysed with the limits that users have and with tiny ones.
#include "analyzer/capture_analysis.h"
#include "tests/fuzz/record_check.h"

namespace ftpscope::fuzz {
namespace {

// The records, when the file is shown in windows that grow by so many bytes.
std::string records_of(std::string_view file, const FlowLimits& limits, std::size_t chunk) {
  CheckedRecords records;
  CaptureAnalysis analysis(limits, records, nullptr, {});
  std::size_t begin = 0;
  std::size_t end = std::min(chunk, file.size());
  while (true) {
    begin += analysis.read(file.substr(begin, end - begin), end == file.size());
    check(begin <= end, "no more is consumed than there is");
    if (end == file.size()) break;
    end = std::min(end + chunk, file.size());
  }
  check(begin == file.size(), "all is read");
  analysis.finish();
  records.finish();
  return std::move(records.all);
}

FlowLimits tiny() {
  FlowLimits limits;
  limits.flows_max = 4;
  limits.sessions_max = 1;
  limits.ftp_ports = {21, 2121};
  limits.dialogue.line_max = 64;
  limits.dialogue.reply_max = 256;
  limits.dialogue.log_secrets = true;
  return limits;
}

}  // namespace
}  // namespace ftpscope::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ftpscope;
  using namespace ftpscope::fuzz;
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  const auto whole = records_of(file, {}, std::max<std::size_t>(size, 1));
  check(whole == records_of(file, {}, 1 + size / 3), "no cut makes a difference");
  records_of(file, tiny(), std::max<std::size_t>(size, 1));
  return 0;
}
