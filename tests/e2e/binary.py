"""The program under test: $FTPSCOPE, or build/ftpscope; and what its stderr must never say."""
from __future__ import annotations

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("FTPSCOPE") or ROOT / "build" / "ftpscope")
BAD_WORDS = re.compile(r"internal error|Sanitizer|runtime error|assert", re.IGNORECASE)
