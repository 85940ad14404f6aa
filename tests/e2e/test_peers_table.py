"""Every row of peers_table.py that we are to win, through us. So the table in PEERS.md cannot rot."""
from __future__ import annotations

import unittest

from peers_cases import CASES
from peers_setup import PEERS
from peers_table import OK, through

PATIENCE_S = 20.0  # nothing of ours hangs: a busy machine must not look like that


class Ours(unittest.TestCase):
    def check(self, name: str) -> None:
        peer = next(peer for peer in PEERS if peer.name == name)
        lost = {row: what for row, what in through(peer, CASES, PATIENCE_S).items() if what != OK}
        self.assertEqual(lost, {})

    def test_relay(self):
        self.check("ftpscope")

    def test_data_in_the_kernel(self):
        self.check("ftpscope-kernel")

    def test_names_are_unique(self):
        """A case is known by its name, in the table and to who looks for it."""
        names = [case.name for case in CASES]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreaterEqual(len(names), 60)


if __name__ == "__main__":
    unittest.main()
