"""The real FTP clients, each doing the workload of workload.py in one session.

    seen = CLIENTS["curl"](Target(host, port, user, password), "EPSV", files)

Every command line here fixes what a client would otherwise decide by itself (fallbacks, ignoring
the address of a 227), so that a case tests the mode in its name or fails.
"""
from __future__ import annotations

import ftplib
import io
import re
import socket
import subprocess
from dataclasses import dataclass

from workload import Files, Seen

TIMEOUT_S = 15


@dataclass(frozen=True)
class Target:
    host: str
    port: int
    user: str
    password: str


def run(argv: list[str], files: Files, script: str = "") -> str:
    """The client's output, both streams. One that fails, or hangs, fails the test with it."""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(files.local), "LC_ALL": "C"}
    try:
        done = subprocess.run(
            argv,
            input=script.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=files.local,
            timeout=TIMEOUT_S,
            start_new_session=True,
            env=env,
        )
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode(errors="replace")
        raise AssertionError(f"{argv[0]} hangs for {TIMEOUT_S} s:\n{output}") from None
    output = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise AssertionError(f"{argv[0]} exits with {done.returncode}:\n{output}")
    return output


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


# --- curl: one process, the transfers joined by --next, which keeps the connection ---

CURL_MODES = {
    "PASV": ["--disable-epsv"],
    "EPSV": [],
    "PORT": ["--ftp-port", "-", "--disable-eprt"],
    "EPRT": ["--ftp-port", "-"],
}


def curl(target: Target, mode: str, files: Files) -> Seen:
    url = f"ftp://{bracketed(target.host)}:{target.port}/{files.remote.relative}/"
    common = [
        "--silent",
        "--show-error",
        "--verbose",
        "--fail-early",
        "--no-ftp-skip-pasv-ip",
        "--connect-timeout",
        "10",
        "--user",
        f"{target.user}:{target.password}",
        *CURL_MODES[mode],
    ]
    # "-": after the transfer, when curl is in the folder.
    quotes = [
        "PWD",
        "RNFR old-name",
        "RNTO new-name",
        "MKD made-dir",
        "RMD empty-dir",
        "DELE to-delete",
    ]
    steps = [
        [part for quote in quotes for part in ("--quote", f"-{quote}")]
        + [url, "--output", "listing.txt"],
        [f"{url}down.bin", "--output", "got.bin"],
        ["--upload-file", "up.bin", url],
        ["--continue-at", "-", f"{url}down.bin", "--output", "partial.bin"],
        ["--append", "--upload-file", "tail.txt", f"{url}log.txt"],
    ]
    argv = ["curl"]
    for number, step in enumerate(steps):
        argv += (["--next"] if number else []) + common + step
    output = run(argv, files)
    listing = (files.local / "listing.txt").read_text(errors="replace")
    return Seen(
        pwd="\n".join(re.findall(r"^< (257 .*)", output, re.M)), listing=listing, output=output
    )


# --- lftp ---

LFTP_MODES = {
    "PASV": ["set ftp:passive-mode yes", "set ftp:prefer-epsv no"],
    "EPSV": ["set ftp:passive-mode yes", "set ftp:prefer-epsv yes"],
    "PORT": ["set ftp:passive-mode no"],
}


def lftp(target: Target, mode: str, files: Files, sync: str = "on") -> Seen:
    settings = [
        "set net:max-retries 1",
        "set net:timeout 10",
        "set net:connection-limit 1",
        "set ftp:ssl-allow no",
        "set ftp:fix-pasv-address no",
        "set xfer:clobber yes",
        "set cmd:fail-exit yes",
        f"set ftp:sync-mode {sync}",
        *LFTP_MODES[mode],
    ]
    steps = [
        "debug 5",
        f"open -u {target.user},{target.password} -p {target.port} {target.host}",
        f"cd {files.remote.remote}",
        "quote PWD",
        "ls -l",
        "get down.bin -o got.bin",
        "put up.bin",
        # It knows no APPE, but resumes an upload by REST + STOR.
        "get -c down.bin -o partial.bin",
        "put -c log.txt",
        "mv old-name new-name",
        "mkdir made-dir",
        "rmdir empty-dir",
        "rm to-delete",
        "bye",
    ]
    (files.local / "script").write_text("\n".join(settings + steps) + "\n")
    output = run(["lftp", "--norc", "-f", "script"], files)
    pwd, listing = split_at_listing(output)
    return Seen(pwd=pwd, listing=listing, output=output)


def lftp_pipelined(target: Target, mode: str, files: Files) -> Seen:
    """Sends its next commands without awaiting the replies."""
    return lftp(target, mode, files, sync="off")


# --- tnftp ---


def tnftp(target: Target, mode: str, files: Files) -> Seen:
    passive = mode in ("PASV", "EPSV")
    # "epsv4" toggles the extended commands over IPv4, which are on at first.
    extended = [] if mode in ("EPSV", "EPRT") else ["epsv4"]
    script = [
        f"user {target.user} {target.password}",
        *extended,
        "binary",
        f"cd {files.remote.remote}",
        "pwd",
        "dir",
        "get down.bin got.bin",
        "put up.bin",
        "reget down.bin partial.bin",
        "append tail.txt log.txt",
        "rename old-name new-name",
        "mkdir made-dir",
        "rmdir empty-dir",
        "delete to-delete",
        "quit",
    ]
    output = run(
        ["tnftp", "-n", "-i", "-v", "-d", "-p" if passive else "-A", target.host, str(target.port)],
        files,
        "\n".join(script) + "\n",
    )
    pwd, listing = split_at_listing(output)
    return Seen(pwd=pwd, listing=listing, output=output)


def split_at_listing(output: str) -> tuple[str, str]:
    """(all 257 replies, all lines that look like a row of ls)"""
    rows = [line for line in output.splitlines() if re.match(r"[-d][-rwx]{9} ", line)]
    replies = re.findall(r"257 .*", output)
    return "\n".join(replies), "\n".join(rows)


# --- Python's ftplib, in this process ---


def connect(target: Target, mode: str) -> ftplib.FTP:
    """Logged in, and set to the mode whatever the address family."""
    ftp = ftplib.FTP()
    ftp.trust_server_pasv_ipv4_address = True
    ftp.connect(target.host, target.port, timeout=TIMEOUT_S)
    ftp.login(target.user, target.password)
    ftp.set_pasv(mode in ("PASV", "EPSV"))
    if mode == "EPSV":
        ftp.makepasv = lambda: ftplib.parse229(ftp.sendcmd("EPSV"), ftp.sock.getpeername())
    if mode == "EPRT":
        ftp.sendport = ftp.sendeprt
    return ftp


def python_ftplib(target: Target, mode: str, files: Files) -> Seen:
    local, rows = files.local, []
    with connect(target, mode) as ftp:
        ftp.cwd(files.remote.remote)
        pwd = ftp.pwd()
        ftp.retrlines("LIST", rows.append)
        with open(local / "got.bin", "wb") as got:
            ftp.retrbinary("RETR down.bin", got.write)
        with open(local / "up.bin", "rb") as up:
            ftp.storbinary("STOR up.bin", up)
        with open(local / "partial.bin", "ab") as partial:
            ftp.retrbinary("RETR down.bin", partial.write, rest=partial.tell())
        ftp.storbinary("APPE log.txt", io.BytesIO((local / "tail.txt").read_bytes()))
        ftp.rename("old-name", "new-name")
        ftp.mkd("made-dir")
        ftp.rmd("empty-dir")
        ftp.delete("to-delete")
        ftp.quit()
    return Seen(pwd=pwd, listing="\n".join(rows), output="\n".join(rows))


CLIENTS = {
    "curl": curl,
    "lftp": lftp,
    "lftppipe": lftp_pipelined,
    "tnftp": tnftp,
    "ftplib": python_ftplib,
}


# --- ABOR in the middle of a download ---


@dataclass(frozen=True)
class Aborted:
    received: int
    replies: list[str]  # to RETR and ABOR, in order of arrival


# How ABOR is put on the wire, as (bytes of one send, flags). MSG_OOB: the last byte is urgent.
ABORTS = {
    "plain": [(b"ABOR\r\n", 0)],
    # RFC 959 4.1.3: Telnet IP, the Synch (its IAC urgent, as BSD's clients do it), and the command.
    "synch": [(b"\xff\xf4\xff", socket.MSG_OOB), (b"\xf2ABOR\r\n", 0)],
    # ftplib's abort(): the LF is the urgent byte.
    "line": [(b"ABOR\r\n", socket.MSG_OOB)],
}


def abort_download(ftp: ftplib.FTP, name: str, how: str) -> Aborted:
    """Sends ABOR with the transfer under way, and reads on until the server closes the channel."""
    ftp.voidcmd("TYPE I")
    with ftp.transfercmd(f"RETR {name}") as data:
        data.settimeout(TIMEOUT_S)
        received = len(data.recv(4096))
        for line, flags in ABORTS[how]:
            ftp.sock.sendall(line, flags)
        received += drain(data)
    return Aborted(received, [any_reply(ftp), any_reply(ftp)])


def drain(conn: socket.socket) -> int:
    total = 0
    try:
        while chunk := conn.recv(65536):
            total += len(chunk)
    except ConnectionResetError:
        pass  # a server may abort with a reset as well
    return total


def any_reply(ftp: ftplib.FTP) -> str:
    """The next reply, with a 4yz or 5yz no exception."""
    return ftp.getmultiline()
