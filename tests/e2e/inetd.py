"""Runs an FTP server as inetd does: one process a session, its stdin and stdout the connection.

    inetd.py LISTENING_FD LOG -- ftpd ARGUMENTS...

The test binds the socket before this starts: no port is ever free between choosing and listening.
"""
import socket
import subprocess
import sys


def serve(listener: socket.socket, argv: list[str], log) -> None:
    # Kept and polled rather than SIGCHLD ignored: a server would inherit that, and its own wait
    # for its children would fail (vsftpd has some).
    children: list[subprocess.Popen] = []
    while True:
        conn, _ = listener.accept()
        children = [child for child in children if child.poll() is None]
        children.append(subprocess.Popen(argv, stdin=conn, stdout=conn, stderr=log))
        conn.close()


if __name__ == "__main__":
    with open(sys.argv[2], "ab") as log_file:
        serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[4:], log_file)
