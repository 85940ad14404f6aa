"""pyftpdlib on a socket that the test has bound:  pyftpd.py LISTENING_FD ROOT USER PASSWORD [VERB...]

It does not know the verbs at the end."""
import socket
import sys
import warnings

warnings.simplefilter("ignore", DeprecationWarning)  # pyftpdlib 1.5 stands on asyncore
from pyftpdlib.authorizers import DummyAuthorizer  # noqa: E402
from pyftpdlib.handlers import FTPHandler  # noqa: E402
from pyftpdlib.servers import FTPServer  # noqa: E402


def main(fd: str, root: str, user: str, password: str, *lacks: str) -> None:
    authorizer = DummyAuthorizer()
    authorizer.add_user(user, password, root, perm="elradfmwMT")
    known = {verb: row for verb, row in FTPHandler.proto_cmds.items() if verb not in lacks}
    handler = type(
        "Handler",
        (FTPHandler,),
        {"authorizer": authorizer, "banner": "pyftpdlib", "proto_cmds": known},
    )
    FTPServer(socket.socket(fileno=int(fd)), handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
