#include "analyzer/transfer_judgement.h"

#include <algorithm>
#include <string>

namespace ftpscope {

namespace {

using enum FindingId;

std::string count_text(std::uint64_t bytes) { return std::to_string(bytes) + " bytes"; }

// A capture that lacks bytes may have counted them or not.
bool agrees(const DataEnd& data, std::uint64_t expected) {
  const auto low = data.bytes - std::min(data.bytes, data.missing);
  return expected >= low && expected <= data.bytes + data.missing;
}

void judge_end(const Transfer& transfer, FindingSink& findings) {
  const auto& data = *transfer.data;
  // A server that refuses a transfer may close its port before the proxy has come to it.
  if (data.how == ChannelEnd::connect_failed && !transfer.refused_itself()) {
    findings.finding(data_connect_failed, transfer.id, data.why);
  }
  if (transfer.aborted) return;  // it is what the client wanted
  if (data.how == ChannelEnd::rst) {
    const bool nothing_lost = transfer.refused() && data.bytes == 0;
    if (nothing_lost) return;
    findings.finding(transfer.succeeded() ? data_reset_after_end : data_reset, transfer.id,
                     cut_text(transfer));
  }
  const bool began = transfer.preliminary || transfer.succeeded();
  const bool by_receiver = data.how == ChannelEnd::fin && data.closed_first == transfer.receiver();
  if (began && by_receiver && data.connected && transfer.settings.mode == 'S') {
    findings.finding(data_cut_by_receiver, transfer.id, cut_text(transfer));
  }
}

// Whether a size check said something about it.
bool judge_against_size(const Transfer& transfer, const KnownSizes::Entry& told,
                        FindingSink& findings) {
  const auto& data = *transfer.data;
  const auto offset = *transfer.offset;
  const auto expected = told.bytes > offset ? told.bytes - offset : 0;
  if (agrees(data, expected)) return false;
  const auto detail = std::string(transfer.verb->name) + ": " + count_text(data.bytes) +
                      (offset > 0 ? " from " + std::to_string(offset) + " on" : "") +
                      (told.uploaded ? ", uploaded were " : ", SIZE said ") +
                      std::to_string(told.bytes);
  if (!told.exact || !transfer.settings.exact()) {
    findings.finding(ascii_size, transfer.id, detail);
  } else if (offset > 0 && agrees(data, told.bytes)) {
    findings.finding(rest_ignored, transfer.id, detail);
  } else {
    findings.finding(size_mismatch, transfer.id, detail);
  }
  return true;
}

// Servers announce the whole file or its rest.
void judge_against_announced(const Transfer& transfer, FindingSink& findings) {
  if (!transfer.announced || !transfer.settings.exact()) return;
  const auto& data = *transfer.data;
  const auto announced = *transfer.announced;
  const auto offset = *transfer.offset;
  if (agrees(data, announced) || (announced >= offset && agrees(data, announced - offset))) return;
  findings.finding(announced_mismatch, transfer.id,
                   std::string(transfer.verb->name) + ": " + count_text(data.bytes) +
                       ", announced were " + std::to_string(announced));
}

void judge_sizes(const Transfer& transfer, const KnownSizes& sizes, FindingSink& findings) {
  const auto& data = *transfer.data;
  const bool ended = data.how == ChannelEnd::fin || data.how == ChannelEnd::rst;
  const bool countable = transfer.succeeded() && data.connected && ended &&
                         transfer.settings.plain() && transfer.offset && !transfer.aborted;
  if (!countable || !transfer.of_a_file()) return;
  const auto told = sizes.find(transfer.path);
  const bool retrieves = transfer.verb->name == "RETR";
  const bool empty_file = transfer.announced == 0 || (retrieves && told && told->bytes == 0);
  if (data.bytes == 0 && data.missing == 0 && *transfer.offset == 0 && !empty_file &&
      transfer.verb->name != "STOU") {
    findings.finding(data_empty, transfer.id, transfer.verb->name);
  }
  if (!retrieves) return;
  const bool said = told && judge_against_size(transfer, *told, findings);
  const bool same = said && transfer.announced == told->bytes;
  if (!same) judge_against_announced(transfer, findings);
}

}  // namespace

std::string cut_text(const Transfer& transfer) {
  std::string text(transfer.verb->name);
  const auto& data = *transfer.data;
  if (data.closed_first) text += ", by the " + std::string(name_of(*data.closed_first));
  return text + " after " + count_text(data.bytes);
}

void judge(const Transfer& transfer, const KnownSizes& sizes, FindingSink& findings) {
  if (!transfer.data) return;
  judge_end(transfer, findings);
  judge_sizes(transfer, sizes, findings);
}

void judge_told_size(const KnownSizes::Entry& uploaded, const KnownSizes::Entry& told, CommandId to,
                     FindingSink& findings) {
  if (uploaded.bytes == told.bytes) return;
  const auto detail =
      "SIZE: " + std::to_string(told.bytes) + ", uploaded were " + count_text(uploaded.bytes);
  findings.finding(uploaded.exact && told.exact ? size_mismatch : ascii_size, to, detail);
}

}  // namespace ftpscope
