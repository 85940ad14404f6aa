"""A scenario is a function that writes captures; the table of README.md is made of what it says.

    @scenario("One session.", {"name.pcap": "what this capture shows"})
    def name(folder: Path) -> None: ...
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Scenario:
    name: str
    made: str
    files: dict[str, str]  # file name -> what it shows
    record: Callable[[Path], None]


SCENARIOS: dict[str, Scenario] = {}


def scenario(made: str, files: dict[str, str]):
    def register(record: Callable[[Path], None]) -> Callable[[Path], None]:
        add(Scenario(record.__name__, made, files, record))
        return record

    return register


def add(one: Scenario) -> None:
    assert one.name not in SCENARIOS, one.name
    SCENARIOS[one.name] = one
