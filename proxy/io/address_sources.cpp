#include "proxy/io/address_sources.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <utility>

#include "proxy/io/descriptor.h"
#include "proxy/io/socket_address.h"

namespace ftpscope {

namespace {

using Addresses = std::expected<std::vector<IpAddress>, std::string>;

constexpr std::string_view kInterface = "interface:";

bool is_name(std::string_view source) {
  return !source.starts_with('@') && !source.starts_with(kInterface);
}

Addresses look_up(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* results = nullptr;
  const int status = getaddrinfo(name.c_str(), nullptr, &hints, &results);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(results, freeaddrinfo);
  if (status != 0)
    return std::unexpected("it cannot be resolved: " + std::string(gai_strerror(status)));
  std::vector<IpAddress> found;
  for (const auto* result = results; result; result = result->ai_next) {
    found.push_back(to_endpoint(result->ai_addr).ip);
  }
  return found;
}

Addresses parse_file(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  std::vector<IpAddress> found;
  for (int number = 1; !text.empty(); ++number) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    line = line.substr(0, line.find_last_not_of(kBlanks) + 1);
    if (line.empty()) continue;
    const auto ip = parse_ip(line);
    if (!ip) {
      return std::unexpected("line " + std::to_string(number) + " of the file is no address");
    }
    found.push_back(*ip);
  }
  if (found.empty()) return std::unexpected("there is no address in the file");
  return found;
}

Addresses read_file(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::string text(AddressSources::kFileMax + 1, '\0');
  const auto size = file.get() < 0 ? -1 : read(file.get(), text.data(), text.size());
  if (size < 0) return std::unexpected("the file cannot be read: " + std::string(strerror(errno)));
  text.resize(static_cast<std::size_t>(size));
  if (text.size() > AddressSources::kFileMax) {
    return std::unexpected("the file has more than " + std::to_string(AddressSources::kFileMax) +
                           " bytes");
  }
  return parse_file(text);
}

Addresses addresses_of_interface(const std::string& name) {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return std::unexpected("the system does not tell its interfaces");
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owned(all, freeifaddrs);
  std::vector<IpAddress> found;
  bool there = false;
  for (const auto* one = all; one; one = one->ifa_next) {
    if (name != one->ifa_name) continue;
    there = true;
    const int family = one->ifa_addr ? one->ifa_addr->sa_family : AF_UNSPEC;
    if (family != AF_INET && family != AF_INET6) continue;
    const auto ip = to_endpoint(one->ifa_addr).ip;
    if (scope_of(ip) != Scope::link) found.push_back(ip);
  }
  if (!there) return std::unexpected("there is no interface of this name");
  if (found.empty()) return std::unexpected("the interface has no address");
  return found;
}

// One of each family: the one that is in use, if it is still there, else the first.
AddressPair chosen_from(const std::vector<IpAddress>& found, const AddressPair& now) {
  const auto choose = [&](bool v6, const std::optional<IpAddress>& used) {
    const auto of_family = [v6](const IpAddress& ip) { return ip.v6 == v6; };
    if (used && std::ranges::find(found, *used) != found.end()) return used;
    const auto first = std::ranges::find_if(found, of_family);
    return first == found.end() ? std::nullopt : std::optional(*first);
  };
  return {choose(false, now.v4), choose(true, now.v6)};
}

std::string to_text(const AddressPair& pair) {
  if (pair.v4 && pair.v6) return to_text(*pair.v4) + " and " + to_text(*pair.v6);
  return pair.v4 ? to_text(*pair.v4) : to_text(*pair.v6);
}

}  // namespace

Addresses read_address_source(const std::string& source) {
  if (source.starts_with('@')) return read_file(source.substr(1));
  if (source.starts_with(kInterface)) {
    return addresses_of_interface(source.substr(kInterface.size()));
  }
  return look_up(source);
}

std::expected<void, std::string> AddressSources::add(const AddressPolicy& policy) {
  for (const auto& rule : policy.rules()) {
    if (rule.source.empty()) continue;
    const auto found = read_address_source(rule.source);
    if (!found) return std::unexpected(rule.name + ": " + found.error());
    *rule.to = chosen_from(*found, {});
    sources_.push_back({.rule = rule.name, .text = rule.source, .addresses = rule.to});
  }
  return {};
}

void AddressSources::start(uv_loop_t* loop, Duration name_interval) {
  if (sources_.empty()) return;
  loop_ = loop;
  name_interval_ = name_interval;
  const auto tick = static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::milliseconds>(kFileInterval).count());
  timer_ = make_timer(loop, this);
  uv_timer_start(
      timer_.get(), [](uv_timer_t* timer) { static_cast<AddressSources*>(timer->data)->on_tick(); },
      tick, tick);
}

void AddressSources::close() {
  timer_.reset();
  alive_.reset();
}

void AddressSources::on_tick() {
  const auto now = uv_now(loop_);
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    auto& source = sources_[i];
    if (source.reading || now < source.next) continue;
    const auto interval = is_name(source.text) ? name_interval_ : kFileInterval;
    const bool first = source.next == 0;  // it was read at the start
    source.next = now + static_cast<std::uint64_t>(
                            std::chrono::floor<std::chrono::milliseconds>(interval).count());
    if (is_name(source.text) && (first || interval == Duration::zero())) continue;
    read(i);
  }
}

struct AddressSources::Reading {
  AddressSources& sources;
  std::size_t place;
  std::string text;
  std::weak_ptr<bool> alive;
  Addresses found{};
  uv_work_t work{};
};

void AddressSources::read(std::size_t place) {
  auto& source = sources_[place];
  auto reading = std::make_unique<Reading>(Reading{*this, place, source.text, alive_});
  reading->work.data = reading.get();
  const int status = uv_queue_work(
      loop_, &reading->work,
      [](uv_work_t* work) {
        auto* one = static_cast<Reading*>(work->data);
        one->found = read_address_source(one->text);
      },
      [](uv_work_t* work, int) {
        const std::unique_ptr<Reading> done(static_cast<Reading*>(work->data));
        if (!done->alive.expired()) done->sources.on_read(*done);
      });
  if (status != 0) return;  // the next tick tries again
  source.reading = true;
  static_cast<void>(reading.release());  // the callback has it now
}

void AddressSources::on_read(const Reading& reading) {
  auto& source = sources_[reading.place];
  source.reading = false;
  if (!reading.found) {
    if (source.failed) return;
    source.failed = true;
    std::cerr << "ftpscope: " << source.rule << ": " << reading.found.error() << "; "
              << to_text(*source.addresses) << " is used until it can" << '\n';
    return;
  }
  const auto now = chosen_from(*reading.found, *source.addresses);
  const bool told = std::exchange(source.failed, false);
  if (now == *source.addresses && !told) return;
  *source.addresses = now;
  std::cerr << "ftpscope: " << source.rule << " is " << to_text(now) << " now" << '\n';
}

}  // namespace ftpscope
