#include "proxy/io/privileges.h"

#include <cap-ng.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace ftpscope {

namespace {

constexpr std::size_t kEntryMax = 16384;  // of the passwd database

bool keep(unsigned int capability, bool wanted) {
  if (!wanted) return true;
  return capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
                      capability) == 0;
}

}  // namespace

std::expected<Account, std::string> find_account(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, kEntryMax> text{};
  const int status = getpwnam_r(name.c_str(), &entry, text.data(), text.size(), &found);
  const auto wrong = [&name](const std::string& why) {
    return std::unexpected("--user " + name + ": " + why);
  };
  if (status != 0) return wrong(std::strerror(status));
  if (!found) return wrong("there is no such user on this machine");
  if (entry.pw_uid == 0) return wrong("that is root; name a user without its rights");
  if (geteuid() != 0 && geteuid() != entry.pw_uid) {
    return wrong("only root can become another user; start it as root or leave --user out");
  }
  return Account{name, entry.pw_uid, entry.pw_gid};
}

std::expected<void, std::string> become(const Account& account, const KeptRights& kept) {
  const auto fail = [&account](const std::string& why) {
    return std::unexpected("cannot become the user " + account.name + ": " + why);
  };
  if (geteuid() == 0) {
    capng_clear(CAPNG_SELECT_BOTH);
    const bool chosen = keep(CAP_NET_RAW, kept.foreign_addresses) &&
                        keep(CAP_NET_BIND_SERVICE, kept.low_ports) &&
                        keep(CAP_NET_ADMIN, kept.firewall);
    if (!chosen) return fail("libcap-ng refuses the capabilities");
    const auto how = static_cast<capng_flags_t>(CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
    const int status =
        capng_change_id(static_cast<int>(account.user), static_cast<int>(account.group), how);
    if (status != 0) {
      return fail("its groups or the capabilities are refused (capng_change_id: " +
                  std::to_string(status) + "); a container may lack CAP_SETUID or CAP_SETPCAP");
    }
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(std::strerror(errno));
  return {};
}

std::string advice_about_root() {
  if (geteuid() != 0) return {};
  return "note: this runs as root; --user NAME gives that up once the ports are open";
}

}  // namespace ftpscope
