#!/bin/bash
# The layers include only to the left: analyzer <- rewriters <- proxy <- proxy/io. And the pure ones know
# no sockets, clocks, threads or files. Prints each line that breaks this.
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"

# What a layer must not include: $1 is the pattern, the rest are its files.
forbid() {
  local pattern=$1
  shift
  grep -nE "^ *# *include *[<\"]($pattern)" "$@" && return 1
  return 0
}

impure='uv\.h|iostream|fstream|filesystem|thread|mutex|future|ctime|time\.h|unistd\.h|fcntl\.h|poll\.h'
impure+='|sys/.*|netinet/.*|netdb\.h|openssl/.*|pcap.*|dlfcn\.h|CLI/.*'
status=0
forbid "$impure|rewriters/.*|proxy/.*" analyzer/*.h analyzer/findings/*.h analyzer/*.cpp || status=1
forbid "$impure|proxy/.*" rewriters/*.h rewriters/*.cpp || status=1
forbid "$impure|proxy/io/.*" proxy/*.h proxy/*.cpp || status=1
forbid 'tests/.*' proxy/io/*.h proxy/io/*.cpp || status=1
# A clock may be named in a pure layer (Timestamp is a time_point), but not asked.
grep -nE '(system|steady|high_resolution)_clock::now|[^_]time\(nullptr\)' \
  analyzer/*.{h,cpp} rewriters/*.{h,cpp} proxy/*.{h,cpp} && status=1
[[ $status == 0 ]] && echo "layers: in order"
exit $status
