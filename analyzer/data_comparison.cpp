#include "analyzer/data_comparison.h"

#include <algorithm>

#include "analyzer/line_difference.h"
#include "analyzer/listing_facts.h"
#include "analyzer/report_text.h"

namespace ftpscope {

namespace {

bool is_listing(std::string_view verb) {
  return verb == "LIST" || verb == "NLST" || verb == "MLSD";
}

std::string data_text_of(const std::optional<TransactionData>& data) {
  if (!data) return "no data connection";
  auto text = std::to_string(data->bytes) + " bytes";
  if (data->how != ChannelEnd::fin) text.append(", ").append(name_of(data->how));
  return text;
}

// From 0.
std::string first_difference(std::string_view a, std::string_view b) {
  return std::to_string(std::ranges::mismatch(a, b).in1 - a.begin());
}

struct Payloads {
  std::optional<std::string> a;
  std::optional<std::string> b;
};

Payloads payloads_of(const TransactionData& a, const TransactionData& b,
                     const ComparisonOptions& options) {
  const auto get = [](const PayloadReader& reader,
                      const TransactionData& data) -> std::optional<std::string> {
    if (data.bytes == 0) return std::string();
    if (!reader || data.payload.empty() || data.missing > 0) return std::nullopt;
    return reader(data.payload);
  };
  return {get(options.payload_of_a, a), get(options.payload_of_b, b)};
}

std::optional<Difference> listing_difference(const TransactionData& a, const TransactionData& b,
                                             const ComparisonOptions& options) {
  const auto [bytes_a, bytes_b] = payloads_of(a, b, options);
  if (bytes_a && bytes_b) {
    const auto in_a = listing_facts(*bytes_a);
    const auto in_b = listing_facts(*bytes_b);
    const auto shown = [](Lines lines) {
      std::ranges::transform(lines, lines.begin(),
                             [](const auto& line) { return printable(line); });
      return lines;
    };
    return lines_that_differ(Aspect::data, shown(in_a), shown(in_b), in_a, in_b);
  }
  if ((a.bytes == 0) == (b.bytes == 0)) return std::nullopt;  // widths and dates are no facts
  return Difference{Aspect::data, data_text_of(a), data_text_of(b)};
}

// What is the same size and has another hash, or other bytes.
std::optional<Difference> content_difference(const TransactionData& a, const TransactionData& b,
                                             const ComparisonOptions& options) {
  if (a.bytes != b.bytes) return Difference{Aspect::data, data_text_of(a), data_text_of(b)};
  const bool whole = a.missing == 0 && b.missing == 0;
  const bool hashed = whole && !a.sha256.empty() && !b.sha256.empty();
  if (hashed && a.sha256 == b.sha256) return std::nullopt;
  const auto [bytes_a, bytes_b] = payloads_of(a, b, options);
  const bool known = bytes_a && bytes_b;
  if (!hashed && (!known || *bytes_a == *bytes_b)) return std::nullopt;
  const auto told = [&, known = known, &in_a = bytes_a, &in_b = bytes_b](const auto& data) {
    auto text = data_text_of(data);
    if (known) text.append(", differs from byte ").append(first_difference(*in_a, *in_b));
    return data.sha256.empty() ? text : text.append(", SHA-256 ").append(data.sha256);
  };
  return Difference{Aspect::data, told(a), told(b)};
}

// A data connection that stood ready for a transfer that was refused: who closes it when is chance.
bool nothing_came_of(const Transaction& transaction) {
  const auto code = transaction.code();
  constexpr int kRefused = 400;
  return transaction.replies.size() == 1 && code && *code >= kRefused &&
         (!transaction.data || transaction.data->bytes == 0);
}

}  // namespace

std::optional<Difference> data_difference(const Transaction& a, const Transaction& b,
                                          const ComparisonOptions& options) {
  if (!a.data && !b.data) return std::nullopt;
  if (nothing_came_of(a) && nothing_came_of(b)) return std::nullopt;
  if (!a.data || !b.data || a.data->direction != b.data->direction || a.data->how != b.data->how) {
    return Difference{Aspect::data, data_text_of(a.data), data_text_of(b.data)};
  }
  const bool by_facts = is_listing(a.verb) && is_listing(b.verb);
  return by_facts && options.level != CompareLevel::exact
             ? listing_difference(*a.data, *b.data, options)
             : content_difference(*a.data, *b.data, options);
}

}  // namespace ftpscope
