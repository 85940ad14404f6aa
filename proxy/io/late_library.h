// A shared library that is loaded when one of its functions is called for the first time. Those
// that only some commands need would else take more than half the time of every start: the dynamic
// linker looks up all their symbols, and those of the libraries that they need.
//
// late_*.cpp define the functions that we use of each, as the library's header declares them, so
// that callers do not notice. What is called in the middle of a session is called once before the
// first: later there may be no descriptor left to load a library with.
#pragma once

namespace ftpscope {

class LateLibrary {
 public:
  // The file as the dynamic linker looks for it, and the Debian package that has it.
  constexpr LateLibrary(const char* file, const char* package) : file_(file), package_(package) {}

  // `Function` itself, whose name it is. When the library cannot be loaded, a sentence says so, and
  // the process ends with kExitUsage. Any thread may ask.
  template <auto Function>
  [[nodiscard]] auto get(const char* name) const {
    static const auto found = reinterpret_cast<decltype(Function)>(find(name));
    return found;
  }

 private:
  [[nodiscard]] void* find(const char* name) const;

  const char* file_;
  const char* package_;
};

}  // namespace ftpscope
