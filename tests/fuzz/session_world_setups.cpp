// What proxy/README.md promises of --server-data and of mixed address families ("Whatever the
// client speaks"), and of addresses in replies.
#include <algorithm>

#include "tests/fuzz/second_reader.h"
#include "tests/fuzz/session_addresses.h"
#include "tests/fuzz/session_words.h"
#include "tests/fuzz/session_world.h"

namespace ftpscope::fuzz {

namespace {

bool is_passive(std::string_view verb) { return is_one_of(verb, {"PASV", "EPSV", "LPSV"}); }
bool is_active(std::string_view verb) { return is_one_of(verb, {"PORT", "EPRT", "LPRT"}); }
bool is_setup(std::string_view verb) { return is_passive(verb) || is_active(verb); }
bool is_ipv4_only(std::string_view verb) { return is_one_of(verb, {"PASV", "PORT"}); }

bool refuses_for_good(int code) { return code >= 500 && code < 600 && code != 503 && code != 530; }

// "Another form may do."
bool refuses(int code) { return refuses_for_good(code) || code == 425; }

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

// The word that names a feature in a line of FEAT's reply.
std::string feature_in(std::string_view line) {
  if (line.starts_with("211-")) line.remove_prefix(4);
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return upper(std::string(line.substr(0, line.find_first_of(" \r;"))));
}

}  // namespace

bool World::Logged::said_plainly() const {
  return raw.ends_with("\r\n") && is_plain(std::string_view(raw).substr(0, raw.size() - 2)) &&
         raw.front() != ' ';
}

// Also when the log hides it.
std::string World::Logged::word_behind() const {
  return upper(read_command(raw.substr(0, raw.find_last_not_of("\r\n") + 1)).argument);
}

bool World::may_translate() const {
  return world_.policy.server_data != ServerData::same || world_.mixed_families;
}

// The table of --server-data: what the server is asked for, and what if it refuses.
std::vector<std::string> World::forms_for(const std::string& verb) const {
  const auto wish = upper(std::string(name_of(world_.policy.server_data)));
  bool passive = is_passive(verb);
  if (wish == "PASSIVE" || wish == "ACTIVE") passive = wish == "PASSIVE";
  if (is_setup(wish)) passive = is_passive(wish);
  std::vector<std::string> forms;
  if (is_setup(wish)) {
    forms.push_back(wish);
  } else if (passive == is_passive(verb)) {
    forms.push_back(verb);
  }
  for (const auto* form : {passive ? "PASV" : "PORT", passive ? "EPSV" : "EPRT"}) {
    if (std::ranges::find(forms, form) == forms.end()) forms.emplace_back(form);
  }
  if (server_.ip.v6) std::erase_if(forms, is_ipv4_only);
  const auto known = [this](const std::string& form) { return refused_.contains(form); };
  if (!std::ranges::all_of(forms, known)) std::erase_if(forms, known);
  return forms;
}

// Before the proxy decides on a command: what it is to do.
void World::note_translation(Logged& command) {
  const bool plain = command.said_plainly();
  const auto verb = upper(command.verb);
  if (!world_.rewriters || naming()) return;
  if (plain && epsv_all_ && is_setup(verb) && verb != "EPSV") command.own_code = 503;
  if (!may_translate() || command.own_code) return;
  if (verb == "ALGS") {
    translation_known_ = translation_known_ && plain;
    const auto word = command.word_behind();
    const bool known = is_one_of(word, {"STATUS64", "ENABLE64", "DISABLE64"});
    if (plain) command.own_code = known ? 216 : 504;
    if (plain && known && word != "STATUS64") translation_off_ = word == "DISABLE64";
    return;
  }
  if (!is_setup(verb) || translation_off_ || !translation_known_) return;
  if (client_.ip.v6 && is_ipv4_only(verb)) return;  // a 227 has no room for our address
  if (verb == "EPSV" && command.word_behind() != "") {
    if (!plain) return;  // ALL or not
    note_epsv_argument(command);
    if (command.own_code || command.word_behind() == "ALL") return;
  }
  command.forms = forms_for(verb);
}

// "EPSV ALL is passed on if the server is asked for EPSV. Else the proxy answers it"; a number is
// about the network protocol between client and proxy.
void World::note_epsv_argument(Logged& command) const {
  const auto argument = command.word_behind();
  if (argument == "ALL") {
    const bool passes = forms_for("EPSV").front() == "EPSV";
    if (client_.ip.v6 && !server_.ip.v6) {
      command.own_code = 504;
    } else if (!passes) {
      command.own_code = 200;
    }
  } else if (argument != (client_.ip.v6 ? "2" : "1")) {
    command.own_code = is_number(argument) ? 522 : 501;
  }
}

// "What was refused for good (5yz, after login) is remembered."
void World::note_refusal(const Logged& command, int code) {
  if (command.forms.empty() || command.sent.empty() || !machine_.state().logged_in) return;
  if (refuses_for_good(code)) refused_.insert(command.forms.at(command.sent.size() - 1));
}

void World::note_epsv_all(const Logged& command, int code) {
  if (code < 200 || code > 299) return;
  const auto verb = upper(command.verb);
  if (verb == "REIN") epsv_all_ = false;
  if (verb != "EPSV" || !command.said_plainly()) return;
  epsv_all_ = epsv_all_ || command.word_behind() == "ALL";
}

void World::check_setup_asked(const Logged& command, std::string_view line) const {
  check(command.sent.size() <= command.forms.size(), "a refusal leads to one other form", line);
  if (in_doubt_) return;  // and so it is in doubt what has been refused
  const auto& form = command.forms[command.sent.size() - 1];
  check(read_command(line.substr(0, line.find('\r'))).verb == form,
        "the server is asked for the form of --server-data", line);
  if (is_passive(form)) {
    check(line == form + "\r\n", "a passive form has no argument", line);
  } else {
    check(
        line.ends_with("\r\n") && own_lines_.contains(std::string(line.substr(0, line.size() - 2))),
        "an active form has our address", line);
  }
}

// The same command of the client's: the server is asked once more.
void World::check_asked_again(const Logged& command) {
  const bool may = !command.forms.empty() || !translation_known_;
  check(may && command.sent.size() == 1, "a command is sent once", command.raw);
  check(command.final_codes.size() == 1 && refuses(command.final_codes.front()),
        "only a refusal leads to another form", command.raw);
  check(answered(heard_) == &command, "before anything else is heard", command.raw);
  if (heard_.raw) {
    skip_reply(*heard_.raw, "the client has not heard the refusal");
  } else {
    can_follow_replies_ = false;
  }
}

void World::check_told(std::string_view bytes, const ReplyRewrite* rewrite) {
  const auto* command = answered(heard_);
  const bool asked = command && (command->forms.empty() || !command->sent.empty());
  if (!asked || bytes.empty() || in_doubt_) return;
  // Forms are known of what is read as it is written, without Telnet commands taken out.
  if (command->forms.empty() && !command->said_plainly()) return;
  const bool rewritten = rewrite && !rewrite->of_line;
  const bool may_fall_back = command->forms.size() > 1 && command->sent.size() == 1;
  check(!may_fall_back || rewritten || closed_[index(Side::client)] || !refuses(heard_.code),
        "a refusal leads to the other form", bytes);
  if (command->verb == "FEAT") check_features_told(bytes);
  const bool accepted = rewritten ? bytes.front() == '2' : heard_.code / 100 == 2;
  if (!accepted || !translation_known_) return;
  if (is_passive(command->verb)) check_passive_told(*command, bytes, rewritten);
  if (is_active(command->verb)) check_active_told(*command, rewritten);
}

// The client gets the form that it asked for, with an address of ours.
void World::check_passive_told(const Logged& command, std::string_view bytes,
                               bool rewritten) const {
  if (!rewritten) {
    const auto asked =
        command.forms.empty() || command.forms[command.sent.size() - 1] == command.verb;
    check(asked, "the client gets the form that it asked for", bytes);
    const auto port = plain_passive_port(bytes, server_.ip);
    check(!port || Endpoint{server_.ip, *port} == proxy_, "an address that can be read is ours",
          bytes);
    return;
  }
  const auto code =
      command.forms.empty() ? std::to_string(heard_.code) : passive_code(command.verb);
  // A reply that began with another code (FTP-REPLY-OTHER-CODE-END) keeps its text.
  const bool one_line = bytes.find('\n') == bytes.size() - 1;
  check(!one_line || bytes.starts_with(code), "the client gets the form that it asked for", bytes);
  const auto id = static_cast<ChannelId>(channels_.size());
  check(channels_.contains(id) && channels_.at(id).listens[index(Side::client)],
        "what the client is told is listened at", bytes);
  const auto told = told_address(id, Side::client, code == "227");
  check(bytes.find(passive_address(code, told)) != bytes.npos, "the client is told our address",
        bytes);
}

// A passive server that has no usable address is of no use to an active client.
void World::check_active_told(const Logged& command, bool rewritten) const {
  if (command.forms.empty() || !is_passive(command.forms[command.sent.size() - 1])) return;
  const auto id = static_cast<ChannelId>(channels_.size());
  check(rewritten && channels_.contains(id) && channels_.at(id).goes_to[index(Side::server)],
        "an active client has a server that is connected to", command.raw);
}

// "FEAT gains EPRT and EPSV. It loses SPSV, and PASV for a client that came over IPv6."
void World::check_features_told(std::string_view bytes) const {
  const bool translates = may_translate() && translation_known_ && !translation_off_;
  // A NUL or CR hides a feature from everybody, until --lines strict takes it out.
  if (!translates || heard_.code != 211 || world_.policy.lines != Lines::raw) return;
  std::set<std::string> all;
  std::set<std::string> behind_first;
  const auto lines = lines_of(bytes);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    all.insert(feature_in(lines[i]));
    if (i > 0) behind_first.insert(feature_in(lines[i]));
  }
  check(all.contains("EPSV") && all.contains("EPRT"), "FEAT promises EPSV and EPRT", bytes);
  check(!behind_first.contains("SPSV"), "FEAT does not promise SPSV", bytes);
  check(!client_.ip.v6 || !behind_first.contains("PASV"), "no PASV over IPv6", bytes);
}

}  // namespace ftpscope::fuzz
