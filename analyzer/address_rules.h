// The addresses in PORT, EPRT, LPRT and in 227, 228, 229: whether anybody can and should connect to
// them. Knows the two ends of the control connection and judges what is stated against them; what
// becomes of such a command or reply is for the rewriters to decide.
#pragma once

#include <memory>
#include <optional>

#include "analyzer/passive_address.h"
#include "analyzer/record.h"

namespace ftpscope {

// RFC 2577 3: services listen below, data connections do not.
inline constexpr std::uint16_t kFirstUnreservedPort = 1024;

// The form of a data command's argument. Asked for PORT, EPRT and LPRT only.
AddressForm form_of_verb(std::string_view verb);

// An end inside a NAT that does not translate: it names its private address, and is seen with a
// public one.
bool is_untranslated(const IpAddress& stated, const IpAddress& seen);

// Nobody at `seen` can mean that address: it is no host's at all, or it is one's own loopback or
// link, which ends where `seen` is not.
bool is_unroutable(const IpAddress& stated, const IpAddress& seen);

// In one small network, as the two addresses of one machine or of its NAT would be: a /24, with
// IPv6 a /64.
bool neighbours(const IpAddress& a, const IpAddress& b);

class AddressRules {
 public:
  void on(const record::Session& session, Timestamp now, FindingSink& findings);
  void on(const record::Connected& connected, Timestamp now, FindingSink& findings);
  void on(const record::Command& command, Timestamp now, FindingSink& findings);
  void on(const record::Rewrite& rewrite, Timestamp now, FindingSink& findings);
  void on(const record::Reply& reply, Timestamp now, FindingSink& findings);
  void on(const record::Gap& gap, Timestamp now, FindingSink& findings);

 private:
  // The latest command that is to set up a data connection, for the reply to it.
  struct Asked {
    CommandId id = 0;
    bool own_address = true;  // a PORT without a fault, or a passive command
    bool epsv_all = false;
    // The client's own address, which is private, while the server's is not.
    std::optional<Endpoint> inside = std::nullopt;
    // What the server was last told by PORT, EPRT or LPRT, until it is told whether it heard so.
    std::optional<Endpoint> told_server = std::nullopt;
  };

  void check_port(const record::Command& command, FindingSink& findings);
  void check_passive(const record::Reply& reply, AddressForm form, FindingSink& findings) const;
  void check_endpoint(const record::Reply& reply, const Endpoint& stated,
                      FindingSink& findings) const;
  // EPSV ALL, which asks for no address.
  [[nodiscard]] bool answers_all(const record::Reply& reply) const {
    return asked_ && asked_->epsv_all && reply.to == asked_->id;
  }
  void check_refusal(const record::Reply& reply, FindingSink& findings);
  bool tell_inside(FindingSink& findings);
  void check_echo(const record::Reply& reply, FindingSink& findings);

  std::optional<Endpoint> client_;
  std::optional<Endpoint> proxy_;
  std::optional<Endpoint> server_;
  std::unique_ptr<Asked> asked_;  // from the first one on
  bool epsv_all_ = false;         // RFC 2428 3
  bool ipv6_told_ = false;
  bool greeted_ = false;      // the session was seen from its beginning
  bool out_of_step_ = false;  // since a gap: the command to a reply may be missing
};

}  // namespace ftpscope
