#include "analyzer/rules.h"

#include <variant>

namespace ftpscope {

namespace {

template <class Family>
void show(Family& family, const Record& record, FindingSink& findings) {
  std::visit(
      [&](const auto& body) {
        if constexpr (requires { family.on(body, record.time, findings); }) {
          family.on(body, record.time, findings);
        }
      },
      record.body);
}

}  // namespace

void Rules::see(const Record& record, FindingSink& findings) {
  show(order_, record, findings);
  show(replies_, record, findings);
  show(addresses_, record, findings);
  show(transfers_, record, findings);
  show(session_, record, findings);
  show(tls_, record, findings);
  show(attacks_, record, findings);
}

}  // namespace ftpscope
