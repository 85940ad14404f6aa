#include "analyzer/rules.h"

#include <variant>

namespace ftpscope {

namespace {

template <class Family, class Body>
void show(Family& family, const Body& body, Timestamp now, FindingSink& findings) {
  if constexpr (requires { family.on(body, now, findings); }) family.on(body, now, findings);
}

// What the proxy says to the server on its own is none of the session's story.
bool is_own(const record::Body& body) {
  const auto* command = std::get_if<record::Command>(&body);
  const auto* reply = std::get_if<record::Reply>(&body);
  return (command && command->by_proxy) || (reply && reply->for_proxy);
}

}  // namespace

void Rules::see(const Record& record, FindingSink& findings) {
  if (is_own(record.body)) return;
  std::visit(
      [&](const auto& body) {
        const auto show_to = [&](auto& family) { show(family, body, record.time, findings); };
        show_to(order_);
        show_to(replies_);
        show_to(addresses_);
        show_to(transfers_);
        show_to(session_);
        show_to(tls_);
        show_to(attacks_);
      },
      record.body);
}

}  // namespace ftpscope
