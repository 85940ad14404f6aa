// Gives root's rights up, when everything that needs them has been opened.
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>

namespace ftpscope {

// Who to be.
struct Account {
  std::string name;
  uid_t user = 0;
  gid_t group = 0;
};

// What is still needed afterwards (capabilities(7)).
struct KeptRights {
  bool foreign_addresses = false;  // CAP_NET_RAW: sockets at other machines' addresses
  bool low_ports = false;          // CAP_NET_BIND_SERVICE: data connections from port 20
  bool firewall = false;           // CAP_NET_ADMIN: nftables
};

// The account of --user, if this process can become it; a sentence if not.
std::expected<Account, std::string> find_account(const std::string& name);

// Becomes this account, with its groups, these rights and no way to get more (no_new_privs). A
// process that is it already only gives up that way. To be called before there is a second thread.
std::expected<void, std::string> become(const Account& account, const KeptRights& kept);

// A sentence for one who runs us as root and need not, or nothing.
std::string advice_about_root();

}  // namespace ftpscope
