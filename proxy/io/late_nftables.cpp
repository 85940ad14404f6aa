// libnftables, for the kernel path.
#include <nftables/libnftables.h>

#include "proxy/io/late_library.h"

namespace {
constexpr ftpscope::LateLibrary kNftables{"libnftables.so.1", "libnftables1"};
}

nft_ctx* nft_ctx_new(uint32_t flags) { return kNftables.get<nft_ctx_new>(__func__)(flags); }

void nft_ctx_free(nft_ctx* context) { kNftables.get<nft_ctx_free>(__func__)(context); }

int nft_ctx_buffer_output(nft_ctx* context) {
  return kNftables.get<nft_ctx_buffer_output>(__func__)(context);
}

int nft_ctx_buffer_error(nft_ctx* context) {
  return kNftables.get<nft_ctx_buffer_error>(__func__)(context);
}

const char* nft_ctx_get_error_buffer(nft_ctx* context) {
  return kNftables.get<nft_ctx_get_error_buffer>(__func__)(context);
}

int nft_run_cmd_from_buffer(nft_ctx* context, const char* commands) {
  return kNftables.get<nft_run_cmd_from_buffer>(__func__)(context, commands);
}
