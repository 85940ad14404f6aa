#include "proxy/io/packet_log.h"

#include <linux/netfilter/nfnetlink_log.h>
#include <pcap/dlt.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <utility>

namespace ftpscope {

namespace {

constexpr std::uint32_t kCopied = 128;  // of a packet: the headers, with all their options

}  // namespace

PacketLog::~PacketLog() = default;

std::expected<std::unique_ptr<PacketLog>, std::string> PacketLog::open(uv_loop_t* loop, Take take) {
  std::unique_ptr<PacketLog> log(new PacketLog(std::move(take)));
  log->socket_.reset(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!log->socket_ || mnl_socket_bind(log->socket_.get(), 0, MNL_SOCKET_AUTOPID) != 0) {
    return std::unexpected(std::string("no netlink socket: ") + std::strerror(errno));
  }
  const int fd = mnl_socket_get_fd(log->socket_.get());
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBuffer, sizeof kSocketBuffer);
  std::random_device random;
  std::uniform_int_distribution<int> any(1, UINT16_MAX);
  for (int i = 0; i < kGroupsTried && log->group_ == 0; ++i) {  // others may have some
    const auto group = static_cast<std::uint16_t>(any(random));
    if (log->bind(group)) log->group_ = group;
    if (errno == EPERM) break;
  }
  if (log->group_ == 0) {
    return std::unexpected(std::string("no nfnetlink_log group: ") + std::strerror(errno));
  }
  log->poll_.reset(new uv_poll_t);
  uv_poll_init(loop, log->poll_.get(), fd);
  log->poll_->data = log.get();
  uv_poll_start(log->poll_.get(), UV_READABLE,
                [](uv_poll_t* poll, int, int) { static_cast<PacketLog*>(poll->data)->read(); });
  return log;
}

// False: errno says why.
bool PacketLog::bind(std::uint16_t group) {
  auto* message = mnl_nlmsg_put_header(buffer_.data());
  message->nlmsg_type = (NFNL_SUBSYS_ULOG << 8U) | NFULNL_MSG_CONFIG;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  auto* header = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  header->nfgen_family = AF_UNSPEC;
  header->version = NFNETLINK_V0;
  header->res_id = htons(group);
  const nfulnl_msg_config_cmd command{NFULNL_CFG_CMD_BIND};
  mnl_attr_put(message, NFULA_CFG_CMD, sizeof command, &command);
  const nfulnl_msg_config_mode mode{htonl(kCopied), NFULNL_COPY_PACKET, 0};
  mnl_attr_put(message, NFULA_CFG_MODE, sizeof mode, &mode);
  mnl_attr_put_u32(message, NFULA_CFG_QTHRESH, htonl(1));  // each at once, none is kept for company
  if (mnl_socket_sendto(socket_.get(), message, message->nlmsg_len) < 0) return false;
  const auto size = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
  if (size < 0) return false;
  errno = 0;
  return mnl_cb_run(buffer_.data(), static_cast<std::size_t>(size), 0, 0, nullptr, nullptr) >= 0;
}

void PacketLog::read() {
  const auto take = [](const nlmsghdr* message, void* log) {
    static_cast<PacketLog*>(log)->on_message(message);
    return MNL_CB_OK;
  };
  for (int i = 0; i < kAtOnce && poll_; ++i) {
    const auto size = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
    if (size < 0 && (errno == ENOBUFS || errno == EINTR)) continue;
    if (size <= 0) return;
    mnl_cb_run(buffer_.data(), static_cast<std::size_t>(size), 0, 0, take, this);
  }
}

void PacketLog::on_message(const nlmsghdr* message) {
  const auto take = [](const nlattr* attribute, void* log) {
    if (mnl_attr_get_type(attribute) != NFULA_PAYLOAD) return MNL_CB_OK;
    static_cast<PacketLog*>(log)->on_packet(
        {static_cast<const char*>(mnl_attr_get_payload(attribute)),
         mnl_attr_get_payload_len(attribute)});
    return MNL_CB_STOP;
  };
  mnl_attr_parse(message, sizeof(nfgenmsg), take, this);
}

void PacketLog::on_packet(std::string_view bytes) {
  const auto packet = decode(DLT_RAW, bytes);
  const auto* segment = packet ? std::get_if<TcpSegment>(&*packet) : nullptr;
  if (segment) take_(*segment);
}

}  // namespace ftpscope
