"""tcpdump in a namespace, from before the first packet to after the last."""
from __future__ import annotations

import contextlib
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from .network import Namespace

SETTLE_S = 0.4  # the FINs of a session that is over, and tcpdump's own buffer


@contextlib.contextmanager
def sniff(
    space: Namespace, device: str, target: Path, *options: str, only: str = "tcp or icmp or icmp6"
):
    """Records what `device` carries while the block runs. Neighbour discovery is left out."""
    # The ring has a slot of the snap length for each packet: a burst must fit.
    settled = "not (icmp6 and ip6[40] >= 130 and ip6[40] <= 137)"
    argv = [
        "tcpdump",
        "-i",
        device,
        "-s",
        "9000",
        "-B",
        "32768",
        "-w",
        "-",
        "-U",
        "--immediate-mode",
        "-n",
        "-Z",
        "root",
        *options,
        f"({only}) and {settled}",
    ]
    with tempfile.TemporaryFile() as said, open(target, "wb") as output, space:
        tcpdump = subprocess.Popen(argv, stdout=output, stderr=said, start_new_session=True)
        try:
            wait_for(said, b"listening on")
            yield
            time.sleep(SETTLE_S)
        finally:
            tcpdump.send_signal(signal.SIGINT)
            tcpdump.wait(10)
        said.seek(0)
        assert b"\n0 packets dropped by kernel" in (text := said.read()), text


def wait_for(said, words: bytes) -> None:
    deadline = time.monotonic() + 10
    text = b""
    while words not in text:
        if time.monotonic() > deadline:
            raise RuntimeError(f"tcpdump says {text!r}")
        time.sleep(0.02)
        said.seek(0)
        text = said.read()
