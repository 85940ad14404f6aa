"""The real FTP servers, each with its own configuration and folder, on a loopback port.

    with start("vsftpd", "::1") as server:
        folder = server.new_folder()   # .path on the disk, .remote as the client names it

The binaries come from install-servers.sh. Those that are not Python run under inetd.py, one process
a session.
"""
from __future__ import annotations

import contextlib
import errno
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # gone in Python 3.13; Debian 12 has 3.11
    import crypt

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("FTPSCOPE_SERVERS", "/var/cache/ftpscope-servers"))
USER = "ftpscopetest"
ACCOUNT = Path("/var/lib/ftpscopetest")  # as install-servers.sh makes it
STOP_S = 5.0


@dataclass(frozen=True)
class Folder:
    path: Path
    remote: str  # absolute, as PWD tells it
    relative: str  # from the login folder


@dataclass(frozen=True)
class Server:
    name: str
    host: str
    port: int
    root: Path  # the login folder on the disk
    home: str  # the same as the client sees it
    user: str
    password: str
    log: Path  # what the server wrote to stderr, or to its log
    folders: list[Path]

    def new_folder(self) -> Folder:
        path = Path(tempfile.mkdtemp(prefix="case-", dir=self.root))
        give_to_user(path)
        self.folders.append(path)
        return Folder(path, f"{self.home.rstrip('/')}/{path.name}", path.name)


def binary(package: str, name: str, folder: str = "usr/sbin") -> str:
    path = CACHE / package / folder / name
    if not path.exists():
        raise RuntimeError(f"{path} is missing: run {HERE}/install-servers.sh")
    return str(path)


def password() -> str:
    return (ACCOUNT / "password").read_text().strip()


def give_to_user(path: Path) -> None:
    account = pwd.getpwnam(USER)
    os.chown(path, account.pw_uid, account.pw_gid)


def password_row(root: Path) -> str:
    """A passwd(5) row for the test user, as ProFTPD's AuthUserFile and pure-pw read it."""
    account = pwd.getpwnam(USER)
    return (
        f"{crypt.crypt(password(), crypt.METHOD_SHA512)}:{account.pw_uid}:{account.pw_gid}::{root}"
    )


# --- one function a server: (its private folder, its login folder) -> what to run for a session ---


def vsftpd(private: Path, root: Path) -> list[str]:
    (private / "empty").mkdir()
    config = private / "vsftpd.conf"
    # isolate and seccomp need capabilities that a container may lack. async_abor_enable: without it
    # vsftpd looks at no command before a transfer is over.
    config.write_text(
        f"""listen=NO
anonymous_enable=NO
local_enable=YES
write_enable=YES
pam_service_name=other
check_shell=NO
local_root={root}
chroot_local_user=YES
allow_writeable_chroot=YES
secure_chroot_dir={private}/empty
async_abor_enable=YES
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
"""
    )
    return [binary("vsftpd", "vsftpd"), str(config)]


def proftpd(private: Path, root: Path) -> list[str]:
    users = private / "passwd"
    users.write_text(f"{USER}:{password_row(root)}:/bin/sh\n")
    users.chmod(0o600)
    config = private / "proftpd.conf"
    config.write_text(
        f"""ServerType inetd
ServerName ftpscope-test
DefaultServer on
Port 0
UseIPv6 on
UseReverseDNS off
User {USER}
Group {USER}
AuthOrder mod_auth_file.c
AuthUserFile {users}
RequireValidShell off
DefaultRoot ~
AllowOverwrite on
AllowStoreRestart on
WtmpLog off
TransferLog none
SystemLog {private}/server.log
ScoreboardFile {private}/scoreboard
PidFile {private}/pid
DelayEngine off
<IfModule mod_delay.c>
  DelayTable none
</IfModule>
"""
    )
    return [binary("proftpd-core", "proftpd"), "-c", str(config)]


def pureftpd(private: Path, root: Path) -> list[str]:
    users = private / "passwd"
    users.write_text(f"{USER}:{password_row(root)}/./::::::::::::\n")
    users.chmod(0o600)
    database = private / "users.pdb"
    subprocess.run(
        [binary("pure-ftpd", "pure-pw", "usr/bin"), "mkdb", str(database), "-f", str(users)],
        check=True,
    )
    return [
        binary("pure-ftpd", "pure-ftpd"),
        "-l",
        f"puredb:{database}",
        "-E",
        "-H",
        "-u",
        "1",
        "-g",
        str(private / "pid"),
    ]


def inetutils(private: Path, root: Path) -> list[str]:
    del private, root  # takes no configuration, and always logs in to the user's home
    return [binary("inetutils-ftpd", "ftpd")]


STANDALONE = {"pyftpdlib"}
NAMES = ("vsftpd", "proftpd", "pureftpd", "inetutils", "pyftpdlib")
INETD = {"vsftpd": vsftpd, "proftpd": proftpd, "pureftpd": pureftpd, "inetutils": inetutils}


@contextlib.contextmanager
def start(name: str, host: str = "127.0.0.1", port: int = 0, lacks: Sequence[str] = ()):
    """`lacks`: verbs that it is not to know (pyftpdlib only)."""
    private = Path(tempfile.mkdtemp(prefix=f"ftpscope-{name}-"))
    private.chmod(0o755)
    root = Path(pwd.getpwnam(USER).pw_dir) if name == "inetutils" else private / "root"
    root.mkdir(exist_ok=True)
    give_to_user(root)
    log = private / "server.log"
    folders: list[Path] = []
    try:
        listener = listen(host, port)
        with listener:
            port = listener.getsockname()[1]
            process = launch(name, private, root, listener, log, lacks)
        try:
            await_greeting(host, port, log)
            home = str(root) if name == "inetutils" else "/"
            yield Server(name, host, port, root, home, USER, password(), log, folders)
        finally:
            stop_session(process)
    finally:
        # inetutils' login folder is shared with other runs: only what this one made goes.
        for made in [private, *folders]:
            shutil.rmtree(made, ignore_errors=True)


def listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.bind((host, port))
    listener.listen(64)
    return listener


def launch(
    name: str,
    private: Path,
    root: Path,
    listener: socket.socket,
    log: Path,
    lacks: Sequence[str] = (),
) -> subprocess.Popen:
    fd = listener.fileno()
    if name in STANDALONE:
        # The account must be able to read it, and a clone made by mktemp -d is its owner's alone.
        script = shutil.copy(HERE / "pyftpd.py", private)
        argv = [sys.executable, script, str(fd), str(root), USER, password(), *lacks]
        account = {"user": USER, "group": USER, "extra_groups": []}
    else:
        argv = [
            sys.executable,
            str(HERE / "inetd.py"),
            str(fd),
            str(log),
            "--",
            *INETD[name](private, root),
        ]
        account = {}
    with open(log, "ab") as log_file:
        # Its own session: whatever the server forks can be found and ended by it.
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=log_file,
            cwd="/",
            pass_fds=[fd],
            start_new_session=True,
            **account,
        )


def connect_once_found(host: str, port: int, timeout_s: float) -> socket.socket:
    """In a network that was just made, IPv6 gives up looking for a neighbour after three seconds."""
    until = time.monotonic() + timeout_s
    while True:
        try:
            return socket.create_connection((host, port), timeout=timeout_s)
        except OSError as problem:
            if problem.errno != errno.EHOSTUNREACH or time.monotonic() > until:
                raise


def await_greeting(host: str, port: int, log: Path, timeout_s: float = 10.0) -> None:
    """The socket listens from the start, so readiness is a server that greets."""
    with connect_once_found(host, port, timeout_s) as conn:
        greeting = conn.recv(512)
        conn.sendall(b"QUIT\r\n")
    if not greeting.startswith(b"220"):
        raise RuntimeError(
            f"no greeting but {greeting!r}; the server's log: {log.read_text(errors='replace')}"
        )


def stop_session(process: subprocess.Popen) -> None:
    """Ends the process and all that it forked, and insists that they are gone."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        for pid in running_in(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sig)
        if wait_until(lambda: process.poll() is not None and not running_in(process.pid), STOP_S):
            return
    raise RuntimeError(f"processes {running_in(process.pid)} of {process.args} outlive SIGKILL")


def running_in(session: int) -> list[int]:
    return [pid for pid in all_pids() if session_of(pid) == session]


def all_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def session_of(pid: int) -> int | None:
    """The session id of a process, None if it is over (a zombie counts as over)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, _parent, _group, session = fields[:4]
    return None if state in "ZX" else int(session)


def wait_until(condition, timeout_s: float, step_s: float = 0.01) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(step_s)
    return True
