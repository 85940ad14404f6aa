// Ownership of libuv handles: uv_close() now, memory freed in the close callback, when libuv is
// done with it. What handle->data points at may be gone by then: a close callback touches nothing
// else.
#pragma once

#include <sys/socket.h>
#include <uv.h>

#include <memory>

namespace ftpscope {

struct UvClose {
  template <class Handle>
  void operator()(Handle* handle) const {
    uv_close(reinterpret_cast<uv_handle_t*>(handle),
             [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
  }
};

template <class Handle>
using UvPtr = std::unique_ptr<Handle, UvClose>;

// Whom a request's callback may tell. Null once the handle is closed: requests that were done by
// then are called back with success all the same, behind the close, when the owner may have gone.
template <class Owner>
Owner* owner_of(const uv_stream_t* handle) {
  const bool closed = uv_is_closing(reinterpret_cast<const uv_handle_t*>(handle)) != 0;
  return closed ? nullptr : static_cast<Owner*>(handle->data);
}

inline UvPtr<uv_tcp_t> make_tcp(uv_loop_t* loop, void* owner) {
  auto* handle = new uv_tcp_t;
  uv_tcp_init(loop, handle);  // without a socket: cannot fail
  handle->data = owner;
  return UvPtr<uv_tcp_t>(handle);
}

// With its socket, so that options can be set before bind(). Without one when there is no
// descriptor left: then bind() and connect() tell.
inline UvPtr<uv_tcp_t> make_tcp_socket(uv_loop_t* loop, void* owner, bool v6) {
  auto tcp = std::make_unique<uv_tcp_t>();
  uv_tcp_init_ex(loop, tcp.get(), v6 ? AF_INET6 : AF_INET);
  tcp->data = owner;
  return UvPtr<uv_tcp_t>(tcp.release());
}

inline UvPtr<uv_timer_t> make_timer(uv_loop_t* loop, void* owner) {
  auto* handle = new uv_timer_t;
  uv_timer_init(loop, handle);
  handle->data = owner;
  return UvPtr<uv_timer_t>(handle);
}

// A connection on which nothing has come for so many seconds is probed, so that a NAT does not
// forget it and a peer that has gone is noticed. Zero: never.
inline void keep_alive(const UvPtr<uv_tcp_t>& tcp, unsigned seconds) {
  uv_tcp_keepalive(tcp.get(), seconds == 0 ? 0 : 1, seconds);
}

inline uv_stream_t* stream(const UvPtr<uv_tcp_t>& tcp) {
  return reinterpret_cast<uv_stream_t*>(tcp.get());
}

inline int descriptor(const UvPtr<uv_tcp_t>& tcp) {
  uv_os_fd_t fd = -1;
  if (tcp) uv_fileno(reinterpret_cast<const uv_handle_t*>(tcp.get()), &fd);
  return fd;
}

// What uv_read's negative count means. To libuv a reset that comes with the last bytes is UV_EOF
// (src/unix/stream.c, POLLHUP behind a read that did not fill its buffer). The socket knows better,
// when it is asked for the first time.
inline bool is_reset(ssize_t count, const UvPtr<uv_tcp_t>& tcp) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(descriptor(tcp), SOL_SOCKET, SO_ERROR, &error, &size);
  return count != UV_EOF || error != 0;
}

}  // namespace ftpscope
