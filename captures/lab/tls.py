"""FTP over TLS: real servers and clients, versions 1.2 and 1.3, data connections resumed or not."""
from __future__ import annotations

import contextlib
import ftplib
import io
import ssl
import subprocess
from pathlib import Path
from unittest import mock

import servers

from .lines import case
from .nat import lab
from .sniffer import sniff
from .transfers import PAYLOAD, curl, fetch, leave


def certificate(private: Path) -> Path:
    """Key and certificate of ftp.example.com, made for this session and thrown away with it."""
    pem = private / "server.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "3650", "-subj", "/CN=ftp.example.com", "-addext", "subjectAltName=DNS:ftp.example.com,DNS:files.example.com",
                    "-keyout", pem, "-out", private / "cert.pem"], check=True, capture_output=True)  # fmt: skip
    pem.write_bytes(pem.read_bytes() + (private / "cert.pem").read_bytes())
    pem.chmod(0o644)  # of no worth: the server's user reads it
    return pem


def vsftpd_tls(*settings: str):
    def command(private: Path, root: Path) -> list[str]:
        argv = servers.vsftpd(private, root)
        lines = ["ssl_enable=YES", "ssl_ciphers=HIGH", f"rsa_cert_file={certificate(private)}", f"rsa_private_key_file={private}/server.pem",
                 "force_local_data_ssl=NO", "force_local_logins_ssl=NO", "allow_anon_ssl=NO", *settings]  # fmt: skip
        with open(argv[-1], "a", encoding="ascii") as config:
            config.write("\n".join(lines) + "\n")
        return argv

    return command


servers.INETD["vsftpd-tls"] = vsftpd_tls("require_ssl_reuse=NO")
servers.INETD["vsftpd-tls-reuse"] = vsftpd_tls("require_ssl_reuse=YES")
servers.INETD["vsftpd-tls-old"] = vsftpd_tls("require_ssl_reuse=NO", "ssl_ciphers=ALL:@SECLEVEL=0")
servers.INETD["vsftpd-tls-implicit"] = vsftpd_tls("require_ssl_reuse=NO", "implicit_ssl=YES")


def pureftpd_tls(private: Path, root: Path) -> list[str]:
    return [*servers.pureftpd(private, root), "-Y", "1", "-2", str(certificate(private))]


servers.INETD["pureftpd-tls"] = pureftpd_tls


@contextlib.contextmanager
def session(target: Path, name: str, port: int = 21):
    place = lab("192.0.2")
    with contextlib.ExitStack() as stack:
        if port == 990:  # nothing greets there before TLS
            stack.enter_context(mock.patch.object(servers, "await_greeting"))
        stack.enter_context(place.server)
        server = stack.enter_context(servers.start(name, place.server_host, port))
        (server.root / "file.txt").write_bytes(PAYLOAD)
        servers.give_to_user(server.root / "file.txt")
        with sniff(place.client, place.inside, target), place.client:
            yield place.server_host


def python_tls(
    host: str, version: ssl.TLSVersion, resume: bool = False, protect: bool = True
) -> ftplib.FTP:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version < V12:
        context.set_ciphers("ALL:@SECLEVEL=0")  # else OpenSSL refuses
    context.minimum_version = context.maximum_version = version
    ftp = (Resuming if resume else ftplib.FTP_TLS)(context=context, timeout=10)
    ftp.trust_server_pasv_ipv4_address = True
    ftp.connect(host, 21)
    ftp.host = "ftp.example.com"  # the name that it asks for (SNI)
    ftp.login(servers.USER, servers.password())
    ftp.host = host
    if protect:
        ftp.prot_p()
    return ftp


class Resuming(ftplib.FTP_TLS):
    """Data connections resume the control connection's session, which ftplib does not do."""

    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            conn = self.context.wrap_socket(
                conn, server_hostname="ftp.example.com", session=self.sock.session
            )
        return conn, size


V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@case("explicit TLS 1.2, data connections protected", "vsftpd and curl")
def tls12_vsftpd_curl(target: Path) -> None:
    with session(target, "vsftpd-tls") as host:
        assert curl(host, 21, "/file.txt", "--ssl-reqd", "--insecure", "--tls-max", "1.2") == 0


@case("explicit TLS 1.3, data connections protected", "vsftpd and curl")
def tls13_vsftpd_curl(target: Path) -> None:
    with session(target, "vsftpd-tls") as host:
        assert curl(host, 21, "/file.txt", "--ssl-reqd", "--insecure", "--tlsv1.3") == 0


@case(
    "explicit TLS 1.2, the data connection resumes the session",
    "vsftpd (require_ssl_reuse) and ftplib with session=",
)
def tls12_resumed(target: Path) -> None:
    with session(target, "vsftpd-tls-reuse") as host:
        ftp = python_tls(host, V12, resume=True)
        assert fetch(ftp) == PAYLOAD
        leave(ftp)


@case(
    "explicit TLS 1.2, the data connection does not resume: 522",
    "vsftpd (require_ssl_reuse) and ftplib as it is",
)
def tls12_not_resumed(target: Path) -> None:
    with session(target, "vsftpd-tls-reuse") as host:
        ftp = python_tls(host, V12)
        fetch(ftp)
        leave(ftp)


@case(
    "explicit TLS 1.3, the data connection does not resume: 522",
    "vsftpd (require_ssl_reuse) and ftplib as it is",
)
def tls13_not_resumed(target: Path) -> None:
    with session(target, "vsftpd-tls-reuse") as host:
        ftp = python_tls(host, V13)
        fetch(ftp)
        leave(ftp)


@case("explicit TLS 1.1, which nobody should speak any more", "vsftpd (SECLEVEL=0) and ftplib")
def tls11_old(target: Path) -> None:
    with session(target, "vsftpd-tls-old") as host:
        ftp = python_tls(host, ssl.TLSVersion.TLSv1_1)
        assert fetch(ftp) == PAYLOAD
        leave(ftp)


@case(
    "explicit TLS 1.2, an upload that ends without close_notify",
    "vsftpd and ftplib that just closes",
)
def tls12_not_closed(target: Path) -> None:
    with session(target, "vsftpd-tls") as host:
        ftp = python_tls(host, V12)
        data = ftp.transfercmd("STOR up.txt")
        data.sendall(PAYLOAD)
        data.close()  # unlike unwrap(), says nothing
        with contextlib.suppress(ftplib.Error):
            ftp.voidresp()
        leave(ftp)


@case("explicit TLS 1.3, PROT C: the data goes in clear, down and up", "vsftpd and ftplib")
def tls13_prot_clear(target: Path) -> None:
    with session(target, "vsftpd-tls") as host:
        ftp = python_tls(host, V13, protect=False)
        assert fetch(ftp) == PAYLOAD
        ftp.storbinary("STOR up.txt", io.BytesIO(PAYLOAD))
        leave(ftp)


@case("explicit TLS, listing and download", "pure-ftpd and lftp")
def tls_pureftpd_lftp(target: Path) -> None:
    lftp_over(target, "pureftpd-tls")


@case("explicit TLS, listing and download", "vsftpd and lftp")
def tls_vsftpd_lftp(target: Path) -> None:
    lftp_over(target, "vsftpd-tls")


def lftp_over(target: Path, name: str) -> None:
    with session(target, name) as host:
        script = f"""set net:max-retries 1; set net:timeout 10; set ftp:ssl-force yes; set ftp:ssl-protect-data yes;
            set ssl:verify-certificate no; open -u {servers.USER},{servers.password()} {host};
            cls -l; cat file.txt; bye"""
        done = subprocess.run(
            ["lftp", "--norc", "-c", script], capture_output=True, timeout=30, check=False
        )
        assert PAYLOAD in done.stdout, done


@case("implicit TLS on port 990", "vsftpd (implicit_ssl) and curl ftps://")
def tls_implicit(target: Path) -> None:
    with session(target, "vsftpd-tls-implicit", 990) as host:
        done = subprocess.run(["curl", "--silent", "--insecure", "--max-time", "5", "--user",
                               f"{servers.USER}:{servers.password()}", f"ftps://{host}/file.txt"], capture_output=True)  # fmt: skip
        assert done.stdout == PAYLOAD, done


@case(
    "AUTH TLS answered with 234, and then the server resets the handshake: an alert",
    "vsftpd and ftplib that trusts nobody",
)
def tls_untrusted(target: Path) -> None:
    with session(target, "vsftpd-tls") as host:
        context = ssl.create_default_context()
        with contextlib.suppress(ssl.SSLError, OSError, EOFError):
            ftp = ftplib.FTP_TLS(context=context, timeout=5)
            ftp.connect(host, 21)
            ftp.login(servers.USER, servers.password())
