#include "proxy/server_memory.h"

#include <doctest/doctest.h>

namespace ftpscope {

TEST_SUITE_BEGIN("server memory");

TEST_CASE("it is bounded, and forgets what it learned first") {
  ServerMemory memory;
  const auto server = [](std::size_t number) {
    return Endpoint{IpAddress::v4(10, 0, static_cast<std::uint8_t>(number / 256),
                                  static_cast<std::uint8_t>(number % 256)),
                    21};
  };
  for (std::size_t i = 0; i < ServerMemory::kServersMax; ++i) {
    memory.refuses(server(i), Setup::epsv);
  }
  memory.refuses(server(0), Setup::eprt);
  CHECK(memory.refused_setups(server(0)).count() == 2);
  memory.refuses(server(ServerMemory::kServersMax), Setup::epsv);
  CHECK(memory.refused_setups(server(0)).none());
  CHECK(memory.refused_setups(server(1)).test(index_of(Setup::epsv)));
  CHECK(memory.refused_setups({server(1).ip, 2121}).none());
}

TEST_SUITE_END();

}  // namespace ftpscope
