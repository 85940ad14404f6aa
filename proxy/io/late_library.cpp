#include "proxy/io/late_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <iostream>

#include "proxy/io/options.h"

namespace ftpscope {

void* LateLibrary::find(const char* name) const {
  // Never closed; once it is loaded, dlopen(3) opens no file any more.
  auto* library = dlopen(file_, RTLD_NOW | RTLD_LOCAL);
  if (auto* function = library ? dlsym(library, name) : nullptr) return function;
  std::cerr << "ftpscope: " << file_ << " cannot be loaded (" << dlerror() << "): install "
            << package_ << '\n';
  std::exit(kExitUsage);
}

}  // namespace ftpscope
