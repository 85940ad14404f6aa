#!/usr/bin/python3
"""clang-tidy-19 over the program's C++, with .clang-tidy's checks: tidy.py [FOLDER OF THE REPOSITORY].

It takes minutes. What passed is remembered by its preprocessed text, comments and all, so that a second run, in
another clone as well, looks only at what is new; `rm -r ~/.cache/ftpscope-tidy` forgets it.
"""
import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TIDY, COMPILER = "clang-tidy-19", "clang++-19"
BUILD = "build-fuzz"  # clang's flags
OURS = ("analyzer/*.cpp", "rewriters/*.cpp", "proxy/*.cpp")
PASSED = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ftpscope-tidy"
KEPT_S = 30 * 24 * 3600  # since it was last of use


def rules() -> bytes:
    """What beside a source decides whether it passes."""
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    return version + Path(".clang-tidy").read_bytes()


def preprocessed(entry: dict) -> bytes:
    """With its flags; without the names of folders, which differ from clone to clone."""
    argv = shlex.split(entry["command"])
    flags = argv[1 : argv.index("-o")]
    argv = [COMPILER, *flags, "-E", "-C", "-P", entry["file"]]
    text = subprocess.run(argv, cwd=entry["directory"], capture_output=True, check=True).stdout
    return " ".join(flags).replace(os.getcwd(), "").encode() + text


def passes(entry: dict, key: bytes) -> bool:
    seen = PASSED / hashlib.sha256(key + preprocessed(entry)).hexdigest()
    if seen.exists():
        seen.touch()
        return True
    argv = [TIDY, "-p", BUILD, "--quiet", entry["file"]]
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode == 0:
        seen.touch()
        return True
    print(done.stdout, done.stderr, sep="\n", flush=True)
    return False


def forget_old() -> None:
    PASSED.mkdir(parents=True, exist_ok=True)
    for seen in PASSED.iterdir():
        if time.time() - seen.stat().st_mtime > KEPT_S:
            seen.unlink()


def main() -> int:
    os.chdir(sys.argv[1] if len(sys.argv) > 1 else ".")
    forget_old()
    key = rules()
    compiled = json.loads(Path(BUILD, "compile_commands.json").read_text())
    entries = {os.path.relpath(entry["file"]): entry for entry in compiled}
    tracked = subprocess.run(["git", "ls-files", *OURS], capture_output=True, text=True, check=True)
    ours = [entries[name] for name in tracked.stdout.split()]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        good = list(pool.map(lambda entry: passes(entry, key), ours))
    print(f"{good.count(True)} files pass, {good.count(False)} do not")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
