#include "proxy/io/data_socket.h"

#include <memory>

#include "proxy/io/socket_address.h"

namespace ftpscope {

std::uint16_t DataSocket::listen(const PortRange& range) {
  auto listener =
      listen_at(loop_, this, {peers_.here, range, range.low}, [](uv_stream_t* handle, int status) {
        static_cast<DataSocket*>(handle->data)->on_connection(status);
      });
  if (!listener) return 0;
  listener_ = std::move(*listener);
  return local_endpoint(descriptor(listener_)).port;
}

void DataSocket::on_connection(int status) {
  if (status == 0) {
    auto tcp = make_tcp(loop_, nullptr);
    if (uv_accept(stream(listener_), stream(tcp)) != 0) return;
    if (peer_endpoint(descriptor(tcp)).ip != peers_.there) return;
    tcp_ = std::move(tcp);
    connected_ = accepted_ = true;
  }
  // With an error it is out of descriptors: asked again at once, libuv would try for ever.
  listener_.reset();
  tell_(status);
}

int DataSocket::connect(std::uint16_t port) {
  tcp_ = make_tcp(loop_, this);
  // The server knows the client by this address.
  uv_tcp_bind(tcp_.get(), to_socket_address({peers_.here, 0}).get(), 0);
  auto request = std::make_unique<uv_connect_t>();
  const auto address = to_socket_address({peers_.there, port});
  const int status =
      uv_tcp_connect(request.get(), tcp_.get(), address.get(), [](uv_connect_t* done, int result) {
        const std::unique_ptr<uv_connect_t> owned(done);
        if (auto* socket = owner_of<DataSocket>(done->handle)) socket->on_connected(result);
      });
  if (status == 0) {
    static_cast<void>(request.release());  // the callback has it now
  } else {
    tcp_.reset();
  }
  return status;
}

void DataSocket::on_connected(int status) {
  connected_ = status == 0;
  if (!connected_) tcp_.reset();
  tell_(status);
}

Leg DataSocket::leg() const {
  const auto here = local_endpoint(descriptor(tcp_));
  const auto there = peer_endpoint(descriptor(tcp_));
  return accepted_ ? Leg{there, here} : Leg{here, there};
}

void DataSocket::close() {
  listener_.reset();
  tcp_.reset();
  connected_ = false;
}

}  // namespace ftpscope
