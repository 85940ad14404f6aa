// libmagic, for the types of files that are extracted.
#include <magic.h>

#include "proxy/io/late_library.h"

namespace {
constexpr ftpscope::LateLibrary kMagic{"libmagic.so.1", "libmagic1"};
}

magic_t magic_open(int flags) { return kMagic.get<magic_open>(__func__)(flags); }

void magic_close(magic_t magic) { kMagic.get<magic_close>(__func__)(magic); }

int magic_load(magic_t magic, const char* database) {
  return kMagic.get<magic_load>(__func__)(magic, database);
}

const char* magic_descriptor(magic_t magic, int fd) {
  return kMagic.get<magic_descriptor>(__func__)(magic, fd);
}
