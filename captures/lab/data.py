"""What goes wrong on data connections; both ends played, or real ones where they do it by themselves."""
from __future__ import annotations

import contextlib
import ftplib
import io
import socket
from pathlib import Path

import servers
from clients import abort_download
from wire import Listener, comma

from .lines import case
from .nat import lab, served
from .network import Namespace, link
from .played import THIRD, Data, pause, played, told
from .sniffer import sniff
from .transfers import PAYLOAD, leave, login


def download(s, data: Data, payload: bytes, announced: bytes = b"150 Here it comes.\r\n") -> None:
    s.ask(b"RETR a\r\n", announced)
    data.send(payload)
    s.say(b"226 Transfer complete.\r\n")


@case("226 half a second before the last bytes of the data")
def early_226(target: Path) -> None:
    with played(target) as s:
        data = s.passive()
        s.ask(b"RETR a\r\n", b"150 Here it comes.\r\n")
        data.send(b"the first half ", end="none")
        s.say(b"226 Done.\r\n")
        pause(0.5)
        data.send(b"and the second")
        s.quit()


@case(
    "a transfer without a 1yz; one whose data connection is made 6 s after the 227; one without a byte; an upload"
)
def odd_transfers(target: Path) -> None:
    with played(target) as s:
        data = s.passive()
        s.command(b"NLST\r\n")
        data.send(b"a\r\nb\r\n")
        s.say(b"226 Done.\r\n")
        listener = s.listen_server()
        s.ask(b"PASV\r\n", told(listener))
        s.ask(b"RETR a\r\n", b"150 Here it comes.\r\n")
        pause(6)
        s.joined(listener).send(b"late")
        s.say(b"226 Done.\r\n")
        data = s.active()
        s.ask(b"NLST\r\n", b"150 Here it comes.\r\n")
        data.send(b"")
        s.say(b"226 Done.\r\n")
        data = s.passive()
        s.ask(b"STOR up\r\n", b"150 Go on.\r\n")
        data.send(PAYLOAD, down=False)
        s.say(b"226 Done.\r\n")
        s.quit()


@case(
    "fewer bytes than SIZE and the 150 say; REST 1000 ignored; TYPE A with other line ends than SIZE counts"
)
def wrong_sizes(target: Path) -> None:
    with played(target) as s:
        s.ask(b"TYPE I\r\n", b"200 I.\r\n")
        s.ask(b"SIZE a\r\n", b"213 5000\r\n")
        download(
            s,
            s.passive(),
            PAYLOAD,
            b"150 Opening BINARY mode data connection for a (5000 bytes).\r\n",
        )
        s.ask(b"SIZE a\r\n", b"213 %d\r\n" % len(PAYLOAD))
        data = s.passive()
        s.ask(b"REST 1000\r\n", b"350 Restarting at 1000.\r\n")
        download(s, data, PAYLOAD)
        s.ask(b"TYPE I\r\n", b"200 I.\r\n")
        s.ask(b"SIZE a\r\n", b"213 %d\r\n" % (len(PAYLOAD) - PAYLOAD.count(b"\r\n")))
        s.ask(b"TYPE A\r\n", b"200 A.\r\n")
        download(s, s.passive(), PAYLOAD)
        s.quit()


@case("RETR in active mode to a port where nobody listens: RST, 425; the same in passive mode")
def data_refused(target: Path) -> None:
    with played(target) as s:
        with s.client_space, Listener(s.client_host) as gone:
            port = gone.port
        s.ask(b"PORT " + comma(s.client_host, port) + b"\r\n", b"200 Ok.\r\n")
        s.command(b"RETR a\r\n")
        with contextlib.suppress(ConnectionRefusedError):
            s.to_client(port)
        s.say(b"425 Can't build data connection: Connection refused.\r\n")
        with s.server_space, Listener(s.server_host) as gone:
            port = gone.port
        s.ask(b"PASV\r\n", b"227 Entering Passive Mode (" + comma(s.server_host, port) + b").\r\n")
        with contextlib.suppress(ConnectionRefusedError):
            s.to_server(port)
        s.command(b"QUIT\r\n")
        s.say(b"221 Bye.\r\n")


@case("the server resets the data in mid-transfer and says 426; then the client resets an upload")
def data_reset(target: Path) -> None:
    with played(target) as s:
        data = s.passive()
        s.ask(b"RETR a\r\n", b"150 Here it comes.\r\n")
        data.send(PAYLOAD[:1500], end="none")
        data.server.reset()
        data.client.ending()
        s.say(b"426 Connection closed; transfer aborted.\r\n")
        data = s.passive()
        s.ask(b"STOR up\r\n", b"150 Go on.\r\n")
        data.send(PAYLOAD[:700], down=False, end="none")
        data.client.reset()
        data.server.ending()
        s.say(b"451 Local error in processing.\r\n")
        s.quit()


@case("all bytes and the server's FIN, then the client's RST and not FIN")
def reset_after_end(target: Path) -> None:
    with played(target) as s:
        data = s.passive()
        s.ask(b"RETR a\r\n", b"150 Here it comes.\r\n")
        data.server.send(PAYLOAD)
        data.server.finish()
        data.client.rest()
        data.client.reset()
        pause()
        data.server.close()
        s.say(b"226 Done.\r\n")
        s.quit()


@case("the client closes the data after 1500 bytes; 426; and a QUIT while a transfer runs")
def client_stops(target: Path) -> None:
    with played(target) as s:
        data = s.passive()
        s.ask(b"RETR a\r\n", b"150 Here it comes.\r\n")
        data.send(PAYLOAD[:1500], end="none")
        data.client.close()
        pause()
        with contextlib.suppress(OSError):
            data.server.send(PAYLOAD[1500:])
        s.say(b"426 Broken pipe.\r\n")
        data = s.passive()
        s.ask(b"RETR a\r\n", b"150 Here it comes.\r\n")
        data.send(PAYLOAD[:1500], end="none")
        s.command(b"QUIT\r\n")
        data.send(PAYLOAD[1500:])
        s.say(b"226 Done.\r\n221 Bye.\r\n")


@case(
    "226 never: the data is whole, the control connection says nothing for 3 s, and the client resets it"
)
def never_226(target: Path) -> None:
    with played(target) as s:
        data = s.passive()
        s.ask(b"RETR a\r\n", b"150 Here it comes.\r\n")
        data.send(PAYLOAD)
        pause(3)
        s.client.reset()
        s.server.ending()


@case("a third host connects to the passive port first and gets the file; the client comes second")
def port_theft(target: Path) -> None:
    with played(target) as s:
        listener = s.listen_server()
        s.ask(b"PASV\r\n", told(listener))
        thief = s.to_server(listener.port, THIRD)
        stolen = Data(thief, s.keep(listener.accept()))
        s.ask(b"RETR a\r\n", b"150 Here it comes.\r\n")
        second = s.to_server(listener.port)
        stolen.send(b"a secret")
        s.say(b"226 Done.\r\n")
        second.close()
        s.quit()


@case("the PASV is asked for twice, the second is used; a data connection that no command uses")
def unused_channels(target: Path) -> None:
    with played(target) as s:
        s.ask(b"PASV\r\n", told(s.listen_server()))
        download(s, s.passive(), PAYLOAD)
        idle = s.passive()
        pause()
        idle.client.close()
        idle.server.rest()
        idle.server.close()
        s.quit()


@case("a download that stands still for 12 s; active")
def stalled(target: Path) -> None:
    with played(target) as s:
        data = s.active()
        s.ask(b"RETR a\r\n", b"150 Here it comes.\r\n")
        data.send(PAYLOAD[:1000], end="none")
        pause(12)
        data.send(PAYLOAD[1000:])
        s.say(b"226 Done.\r\n")
        s.quit()


@case("urgent ABOR (Telnet Synch) in a download: 426 and 226", "vsftpd and ftplib")
def abor_urgent(target: Path) -> None:
    place = lab("192.0.2")
    with served(place, "vsftpd") as (server, _):
        big = server.root / "big"
        with open(big, "wb") as content:
            content.truncate(64 << 20)
        servers.give_to_user(big)
        # The lines are whole, the zeros of the file are not.
        with sniff(place.client, place.inside, target, "-s", "200"):
            with place.client:
                ftp = login(place.server_host, 21)
                ftp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                slow_receiver(ftp)
                aborted = abort_download(ftp, "big", "synch")
                assert aborted.replies[0].startswith("426"), aborted
                leave(ftp)


def slow_receiver(ftp: ftplib.FTP) -> None:
    """A receive buffer of a few segments: the server is soon stopped, and the capture stays small."""
    plain = ftp.ntransfercmd

    def ntransfercmd(command: str, rest=None):
        create = socket.create_connection

        def small(address, timeout=None, source_address=None):
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(timeout)
            sock.connect(address)
            return sock

        socket.create_connection = small
        try:
            return plain(command, rest)
        finally:
            socket.create_connection = create

    ftp.ntransfercmd = ntransfercmd


@case(
    "REST and RETR, APPE, ASCII type, MLSD, SIZE and MDTM of a missing file",
    "pyftpdlib and ftplib, on loopback, port 2121",
)
def commands_loopback(target: Path) -> None:
    host = Namespace("host")
    with host, servers.start("pyftpdlib", "127.0.0.1", 2121) as server:
        path = server.root / "file.txt"
        path.write_bytes(PAYLOAD)
        servers.give_to_user(path)
        pause(0.3)
        with sniff(host, "lo", target):
            ftp = login("127.0.0.1", 2121)
            for command in (
                "SIZE missing",
                "MDTM missing",
                "MDTM file.txt",
                "SIZE file.txt",
                "STAT",
                "HELP",
            ):
                with contextlib.suppress(ftplib.Error):
                    ftp.sendcmd(command)
            ftp.retrbinary("RETR file.txt", lambda _: None, rest=1000)
            ftp.storbinary("APPE up.txt", io.BytesIO(PAYLOAD))
            ftp.storlines("STOR lines.txt", io.BytesIO(b"one\ntwo\n"))
            ftp.retrlines("RETR lines.txt", lambda _: None)
            list(ftp.mlsd())
            ftp.nlst()
            with contextlib.suppress(ftplib.Error):
                ftp.sendcmd("SIZE ../../etc/passwd")
            leave(ftp)


@case("login refused: a wrong password, twice, then the right one", "proftpd and ftplib")
def login_refused(target: Path) -> None:
    client, server = Namespace("client"), Namespace("server")
    cable = link(client, ["192.0.2.1/24"], server, ["192.0.2.2/24"])
    with server, servers.start("proftpd", "192.0.2.2", 21):
        with sniff(client, cable, target), client:
            for word in ("wrong", "Wrong", servers.password()):
                with ftplib.FTP("192.0.2.2", timeout=10) as ftp:
                    with contextlib.suppress(ftplib.Error):
                        ftp.login(servers.USER, word)
