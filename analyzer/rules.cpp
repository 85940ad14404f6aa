#include "analyzer/rules.h"

#include <variant>

namespace ftpscope {

namespace {

template <class Family, class Body>
void show(Family& family, const Body& body, Timestamp now, FindingSink& findings) {
  if constexpr (requires { family.on(body, now, findings); }) family.on(body, now, findings);
}

}  // namespace

void Rules::see(const Record& record, FindingSink& findings) {
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
