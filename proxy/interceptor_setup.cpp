// Set-ups of data connections that the server gets in another form than the client speaks
// (rewriters/setup_plan.h). One command of ours takes the place of one of the client's, and what
// the server says to it is turned into the reply that the client waits for:
//
//   client  server
//   PASV    EPSV    its address goes into another reply
//   PORT    EPRT    our address goes into another command
//   PASV    PORT    both sides come to us
//   PORT    PASV    we go to both: to the server at once (design.md point 15), to the client when
//                   its transfer begins, as a server would
//
// A refusal leads to one other form, before the client hears anything.
#include <utility>

#include "proxy/interceptor.h"

namespace ftpscope {

namespace {

// What the client is told, in the form that it asked for; around the hole when there is one.
std::vector<std::string> reply_parts(Setup asked) {
  switch (asked) {
    case Setup::pasv: return {"227 Entering Passive Mode ", ".\r\n"};
    case Setup::epsv: return {"229 Entering Extended Passive Mode ", "\r\n"};
    case Setup::lpsv: return {"228 Entering Long Passive Mode ", "\r\n"};
    case Setup::port:
    case Setup::eprt:
    case Setup::lprt:
    case Setup::unknown: break;
  }
  return {"200 " + std::string(form_of(asked).verb) + " command successful.\r\n"};
}

// An address of ours in the form that the client asked for, for what the server has said.
ExposeAddress told_to_client(Setup asked, ExposeAddress said) {
  said.form = form_of(asked).form;
  said.setup = asked;
  said.facing = Side::client;
  said.parts = reply_parts(asked);
  return said;
}

// Another form may do: for good, or just now (4yz, RFC 959 4.2.1).
bool refuses(int code) { return refuses_for_good(code) || code == 425; }

}  // namespace

CommandFate Interceptor::begin_setup(const AskServer& wish, const Command& command, CommandId id,
                                     std::string_view why) {
  setting_up_ =
      std::make_unique<SettingUp>(SettingUp{id, wish, wish.first, std::string(command.line.raw)});
  CommandFate fate{.barrier = true};
  fate.wait = ask_server(why, Side::client);
  if (!fate.wait) fate.sent_as = find_verb(form_of(wish.first).verb);
  return fate;
}

// True: not before an address of ours is known; `waiting` is the side that is not read until then.
bool Interceptor::ask_server(std::string_view why, Side waiting) {
  auto& setup = *setting_up_;
  const auto& sent = form_of(setup.sent);
  const auto what = form_of(setup.wish.asked).verb;
  if (!sent.passive) {
    const auto told = form_of(setup.wish.asked).passive ? setup.sent : setup.wish.asked;
    ExposeAddress address{.form = sent.form,
                          .setup = told,
                          .facing = Side::server,
                          .target = setup.wish.client,
                          .target_rule = setup.wish.target_rule,
                          .stated = setup.wish.stated,
                          .parts = {std::string(sent.verb) + " ", "\r\n"}};
    expose({std::move(address), setup.command, waiting, setup.line, std::string(what),
            std::string(why)});
    return true;
  }
  const auto line = std::string(sent.verb) + "\r\n";
  if (line != setup.line) {
    recorder_.emit(record::Rewrite{setup.command, what, setup.line, line, why});
  }
  setup.line = line;
  effects_.send(Side::server, line);
  return false;
}

// The server has been told where to connect to.
void Interceptor::address_told(const Exposing& message, std::string_view line) {
  if (!setting_up_ || setting_up_->command != message.command) return;
  setting_up_->line = line;
  setting_up_->channel = message.channel;
  const auto& verb = *find_verb(form_of(setting_up_->sent).verb);
  if (message.waiting == Side::client) {
    dialogue_.sent_as(message.command, verb);
  } else {
    dialogue_.ask_again(verb);
  }
}

Interceptor::SetupStep Interceptor::on_setup_reply(const Reply& reply, ReplyVerdict& verdict,
                                                   std::string_view raw) {
  if (reply.preliminary()) return SetupStep::pass;
  if (refuses(*reply.code)) return on_setup_refused(*reply.code);
  const auto setup = std::move(*setting_up_);
  setting_up_.reset();
  if (*reply.code < 200 || *reply.code >= 300) return SetupStep::pass;
  const bool client_comes = form_of(setup.wish.asked).passive;
  if (!form_of(setup.sent).passive) {
    if (!client_comes) return SetupStep::pass;
    if (!find_channel(setup.channel)) {  // it broke meanwhile
      verdict = {Replace{"425 Cannot open a data connection through this proxy.\r\n"},
                 "the server's data connection is over already"};
      return SetupStep::pass;
    }
    expose({told_to_client(setup.wish.asked, {}), setup.command, Side::server, std::string(raw),
            std::to_string(*reply.code), "the server comes to the proxy as well", setup.channel});
    return SetupStep::wait;
  }
  auto* address = std::get_if<ExposeAddress>(&verdict.action);
  if (address && client_comes) {
    if (address->setup != setup.wish.asked) {
      *address = told_to_client(setup.wish.asked, std::move(*address));
    }
    return SetupStep::pass;
  }
  if (address) {
    meet(setup, *address, reply);
    return SetupStep::done;
  }
  if (setup.sent != setup.wish.asked) {
    verdict = {Replace{"425 The server's passive address is not usable.\r\n"},
               "the server's address is not usable"};
  }
  return SetupStep::pass;
}

Interceptor::SetupStep Interceptor::on_setup_refused(int code) {
  auto& setup = *setting_up_;
  if (refuses_for_good(code)) remember_refusal(setup.sent);
  const bool client_listens = !closed_[static_cast<std::size_t>(Side::client)];
  // Where it was in doubt whether this reply would come, the client has been read on, and what the
  // server is asked now would come behind what it has been told since.
  const bool last = dialogue_.pending().size() == 1;
  if (!setup.wish.fallback || !client_listens || !last) {
    setting_up_.reset();
    return SetupStep::pass;
  }
  if (find_channel(setup.channel)) effects_.close_channel(setup.channel, ChannelEnd::replaced);
  setup.channel = 0;
  setup.sent = *std::exchange(setup.wish.fallback, std::nullopt);
  if (ask_server("the server refused the other form", Side::server)) return SetupStep::wait;
  dialogue_.ask_again(*find_verb(form_of(setup.sent).verb));
  return SetupStep::done;
}

// Before login a server may refuse what it allows later.
void Interceptor::remember_refusal(Setup setup) {
  if (!state_.logged_in) return;
  state_.refused_setups.set(index_of(setup));
  if (memory_) memory_->refuses(server_, setup);
}

// Neither side comes.
void Interceptor::meet(const SettingUp& setup, const ExposeAddress& server, const Reply& reply) {
  drop_waiting_channel(ChannelEnd::replaced);
  auto& channel = add_channel(setup.command, setup.wish.asked);
  channel.client = setup.wish.client;
  effects_.connect_channel(channel.id, Side::server, *server.target);
  const auto told = reply_parts(setup.wish.asked).front();
  const auto why = "the proxy connects to both sides: " + std::string(server.target_rule);
  record_rewrite({setup.command, std::to_string(*reply.code), reply.raw, told, why});
  send_reply(told, setup.command);
}

}  // namespace ftpscope
