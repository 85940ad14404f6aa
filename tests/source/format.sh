#!/bin/bash
# Is every C++ file as clang-format-19 writes it? (Repair: clang-format-19 -i FILE.)
set -euo pipefail
cd "$1"
git ls-files -z '*.cpp' '*.h' | xargs -0 clang-format-19 --dry-run --Werror
