#!/usr/bin/python3
"""Says what is wrong with session logs, one "FILE:LINE: what is wrong" each; exit code 1 if anything.

    check_log.py [--allow-torn] FILE...

A line is checked by itself (strict JSON, analyzer/log.schema.json) and in its session: no gap in seq
but for records that a `lost` record owns up to, `session` first, `end` last with the right totals,
time not backwards, every reply, rewrite and data connection after the command that it belongs to,
and one final reply a command at most.

--allow-torn is for the log of a proxy that was killed or still runs: a torn line, a session without
its end.
"""
from __future__ import annotations

import argparse
import base64
import binascii
import functools
import json
import re
import sys
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).resolve().parents[2] / "analyzer" / "log.schema.json"
TORN_START = '{"ts":"'
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
ACTIVE = ("port", "eprt", "lprt")
PASSIVE = ("PASV", "EPSV", "LPSV")
SETUPS = (*map(str.upper, ACTIVE), *PASSIVE)
CAPTURE = "capture"  # the session of what is said about a capture itself
FIRST_KEYS = ["ts", "session", "seq", "kind"]
# What could move a cursor, break a line or turn text around is escaped (threats.md S29).
UNESCAPED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def check_log(path, allow_torn: bool = False) -> list[str]:
    """What is wrong with the log at `path`, as "FILE:LINE: what is wrong"; empty when nothing is."""
    return check_bytes(Path(path).read_bytes(), str(path), allow_torn)


def check_bytes(content: bytes, name: str = "log", allow_torn: bool = False) -> list[str]:
    log = Log(allow_torn)
    *lines, rest = content.split(b"\n")
    for number, line in enumerate(lines, 1):
        log.add_line(number, line)
    if rest and not (allow_torn and is_torn(rest.decode("utf-8", "replace"))):
        log.complain(len(lines) + 1, "the last line has no end")
    log.finish()
    return [f"{name}:{number}: {what}" for number, what in sorted(log.complaints)]


# --- one line ---


class NotStrict(ValueError):
    pass


def parse(line: bytes) -> dict:
    """The record of a line; raises ValueError, with the reason, for what is not strict JSON."""
    text = line.decode("utf-8")
    unescaped = UNESCAPED.search(text)
    if unescaped:
        column = unescaped.start() + 1
        raise NotStrict(f"U+{ord(unescaped[0]):04X} at column {column} is not escaped")
    record = json.loads(
        text,
        object_pairs_hook=_unique,
        parse_float=_refuse_number,
        parse_constant=_refuse_number,
    )
    if not isinstance(record, dict):
        raise NotStrict("it is not an object")
    return record


def _unique(pairs: list[tuple]) -> dict:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        twice = [key for key, n in Counter(key for key, _ in pairs).items() if n > 1]
        raise NotStrict(f"the key {twice[0]!r} appears twice")
    return fields


def _refuse_number(text: str):
    raise NotStrict(f"the number {text} is not whole")


def is_torn(text: str) -> bool:
    """What may stand at the end of the log of a killed process: the start of a record."""
    return text.startswith(TORN_START) or TORN_START.startswith(text)


def breaks_off(error: ValueError) -> bool:
    cut_character = getattr(error, "reason", "") == "unexpected end of data"
    return cut_character or isinstance(error, json.JSONDecodeError)


@functools.cache
def validators() -> dict[str, Draft202012Validator]:
    """One a kind: a record is held against its own branch of the schema only. References are
    resolved beforehand, which is what makes 100,000 lines a matter of seconds."""
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)

    def resolved(part):
        if isinstance(part, list):
            return [resolved(p) for p in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return resolved(schema["$defs"][part["$ref"].removeprefix("#/$defs/")])
        return {key: resolved(value) for key, value in part.items()}

    kinds = schema["properties"]["kind"]["enum"]
    return {kind: Draft202012Validator(resolved(schema["$defs"][kind])) for kind in kinds}


def schema_errors(record: dict) -> list[str]:
    kind = record.get("kind")
    validator = validators().get(kind) if isinstance(kind, str) else None
    if validator is None:
        return [f"unknown kind {kind!r}"]
    return [
        f"{'.'.join([kind, *map(str, e.absolute_path)])}: {e.message[:300]}"
        for e in validator.iter_errors(record)
    ]


def text_errors(value) -> list[str]:
    """base64 is for bytes that are not UTF-8, a string for those that are."""
    if isinstance(value, str):
        return [] if value.isascii() or _encodable(value) else [f"a lone surrogate in {value!r}"]
    if isinstance(value, list):
        return [error for item in value for error in text_errors(item)]
    if not isinstance(value, dict):
        return []
    if "base64" not in value:
        return [error for item in value.values() for error in text_errors(item)]
    try:
        base64.b64decode(value["base64"], validate=True).decode("utf-8")
    except UnicodeDecodeError:
        return []
    except (binascii.Error, ValueError, TypeError) as error:
        return [f"bad base64 ({error})"]
    return [f"base64 for bytes that are UTF-8: {value}"]


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


# --- the lines of a session ---


class Session:
    """Follows one session and returns what is wrong with each further record."""

    def __init__(self):
        self.next_seq = 0
        self.missing = 0  # gaps in seq
        self.counts = Counter()
        self.verbs = {0: "greeting"}
        self.asked: dict[int, str] = {}  # set-ups that the server got in another form
        self.last_id = 0
        self.last_final = -1
        self.greets = False  # a server that has just been connected to
        self.channels: dict[int, dict] = {}
        self.last_channel = 0
        self.moved = Counter()
        self.last_ts = ""
        self.opaque = False
        self.ended = False
        self.captured = False  # seen in a capture: nothing is exposed, channels open or do not

    def add(self, record: dict) -> list[str]:
        errors = self._check_place(record)
        self.counts[record["kind"]] += 1
        rule = getattr(self, "_on_" + record["kind"], None)
        if self.missing == 0 and rule:  # what refers to a lost record cannot be judged
            errors += rule(record) or []
        self.ended = self.ended or record["kind"] in ("end", "capture")
        return errors

    def _check_place(self, record: dict) -> list[str]:
        errors = []
        seq = record["seq"]
        if seq < self.next_seq:
            errors.append(f"seq {seq} after {self.next_seq - 1}")
        self.missing += max(0, seq - self.next_seq)
        self.next_seq = seq + 1
        if record["kind"] == "session":
            self.captured = record["proxy"] is None
        if record["session"] == CAPTURE:
            self.ended = False  # `capture` is its last record, and it has no first one
        elif (seq == 0) != (record["kind"] == "session"):
            errors.append(f"a {record['kind']} record has seq {seq}")
        if record["ts"] < self.last_ts:
            errors.append(f"the time goes backwards: {record['ts']} after {self.last_ts}")
        self.last_ts = record["ts"]
        if self.ended:
            errors.append(f"a {record['kind']} record behind the end of its session")
        return errors

    def _refers(self, to, what: str) -> list[str]:
        if to is None or to in self.verbs:
            return []
        return [f"{what} to command {to}, which is not there (yet)"]

    def _on_connected(self, _r: dict):
        self.greets = True

    def _on_command(self, r: dict):
        wrong = [] if r["id"] == self.last_id + 1 else [f"command {r['id']} after {self.last_id}"]
        self.last_id = r["id"]
        self.verbs[r["id"]] = r["verb"]
        return wrong + (["a command after the session became opaque"] if self.opaque else [])

    def _on_reply(self, r: dict):
        yield from _ending_errors(r)
        to = r["to"]
        if to is None:
            return
        if to not in self.verbs:
            yield from self._refers(to, "a reply")
            return
        asked = self.verbs[to] if r.get("by") == "proxy" else self.asked.get(to, self.verbs[to])
        if r["verb"] != asked and r["verb"] != self.verbs[to]:
            yield f"a reply to {r['verb']!r}, but command {to} is {asked!r}"
        if r.get("for") == "proxy":  # NOOP in mid-transfer may be answered before the transfer is
            return
        greets = to == 0 and self.greets  # with --mode forward, commands came before it
        if to <= self.last_final and not greets:
            yield f"a reply to command {to} after the final reply to command {self.last_final}"
        if not r.get("preliminary"):
            self.last_final = max(to, self.last_final)
            self.greets = self.greets and to != 0

    def _on_reply_part(self, r: dict):
        yield from _ending_errors(r)
        yield from self._refers(r["to"], "a part of a reply")

    def _on_rewrite(self, r: dict):
        word = r["after"].split()[0] if isinstance(r["after"], str) and r["after"].split() else ""
        if r["what"] in SETUPS and word in SETUPS:
            self.asked[r["to"]] = word
            if self.last_final == r["to"]:  # refused, and asked for once more
                self.last_final = r["to"] - 1
        return self._refers(r["to"], "a rewrite")

    def _on_finding(self, r: dict):
        self.counts["turned away"] += r["finding"] == "FTP-SERVER-TURNED-AWAY"
        return self._refers(r["to"], "a finding")

    def _on_opaque(self, r: dict):
        self.opaque = True
        return self._refers(r["to"], "opaque")

    def _on_channel(self, r: dict):
        known = self.channels.get(r["id"])
        if r["event"] == "exposed":
            self.channels[r["id"]] = r
            before, self.last_channel = self.last_channel, r["id"]
            both_come = known and known["target"] is None and known["facing"] != r["facing"]
            wrong = [] if r["id"] > before or both_come else [f"channel {r['id']} after {before}"]
            return wrong + self._refers(r["to"], "a channel")
        if self.captured and known is None:
            self.channels[r["id"]] = r
            self.last_channel = max(r["id"], self.last_channel)
            same = r["client"] == r["server"]
            wrong = [] if same else ["two connections of one channel in a capture"]
            return wrong + self._refers(r["to"], "a channel")
        if known is None and self._goes_to_both(r["to"]):
            self.channels[r["id"]] = r
            self.last_channel = max(r["id"], self.last_channel)
            return []
        if known is None or known["event"] != "exposed":
            return [f"channel {r['id']} opened, but not exposed before (or opened or over already)"]
        self.channels[r["id"]] = r
        wrong = [
            f"{key} is {r[key]!r}, was {known[key]!r}"
            for key in ("to", "setup")
            if r[key] != known[key]
        ]
        target = r["server" if known["facing"] == "client" else "client"]["to"]
        if known["target"] is not None and target != known["target"]:
            wrong.append(f"connected to {target}, exposed for {known['target']}")
        return wrong

    def _goes_to_both(self, to) -> bool:
        """Neither side comes: the client said PORT, and the server was asked for PASV."""
        return self.verbs.get(to, "").lower() in ACTIVE and self.asked.get(to) in PASSIVE

    def _on_data(self, r: dict):
        known = self.channels.pop(r["id"], None)
        unopened = r["setup"] in ACTIVE and r["how"] != "fin"  # where neither side was to come
        if known is None and not self.captured and not unopened:
            yield f"data of channel {r['id']}, which was not exposed (or is over already)"
            return
        if known and r["setup"] != known["setup"]:
            yield f"setup is {r['setup']!r}, was {known['setup']!r}"
        for side in ("client", "server"):
            if known and known["event"] == "opened" and r[side] != known[side]:
                yield f"the {side}'s connection is another than that of the channel record"
        if r["bytes"] != r["bytes_to_client"] + r["bytes_to_server"]:
            yield "bytes is not the sum of both ways"
        yield from _rate_errors(r)
        keys = ("exposed", "connected", "first_byte", "last_byte", "ts")
        times = [r[key] for key in keys if r[key]]
        if times != sorted(times):
            yield f"the times are out of order: {times}"
        self.moved["data_to_client"] += r["bytes_to_client"]
        self.moved["data_to_server"] += r["bytes_to_server"]
        if r["to"] is not None and self.verbs.get(r["to"]) != r["verb"]:
            verb = self.verbs.get(r["to"])
            yield f"data of {r['verb']} as command {r['to']}, which is {verb!r}"

    def _on_end(self, r: dict):
        for field, kind in (("commands", "command"), ("replies", "reply"), ("findings", "finding")):
            if r[field] != self.counts[kind]:
                yield f"{field} is {r[field]}, the log has {self.counts[kind]}"
        if r["channels"] < self.last_channel:
            yield f"channels is {r['channels']}, the log has {self.last_channel}"
        for field in ("data_to_client", "data_to_server"):
            if r[field] != self.moved[field]:
                yield f"{field} is {r[field]}, its data records sum up to {self.moved[field]}"
        if self.channels:
            yield f"no data record of channel {sorted(self.channels)}"
        turned_away = self.counts["turned away"]  # the client may have named another server then
        if self.counts["connected"] > 1 + turned_away:
            yield f"{self.counts['connected']} connected records"


def _ending_errors(r: dict):
    if "endings" in r and len(r["endings"]) != len(r["lines"]):
        yield f"{len(r['lines'])} lines, {len(r['endings'])} endings"


def _rate_errors(r: dict):
    if r["duration_us"] is None:
        return
    duration = _microseconds(r["last_byte"] or r["ts"]) - _microseconds(r["connected"])
    # In a capture, a channel that no command used is told a little after its end.
    told_late = r["last_byte"] is None and r["client"] == r["server"]
    if r["duration_us"] != duration and not (told_late and 0 <= r["duration_us"] < duration):
        yield f"duration_us is {r['duration_us']}, not the {duration} since connected"
    rate = r["bytes"] * 1_000_000 // r["duration_us"] if r["duration_us"] and r["bytes"] else None
    if r["rate"] != rate:
        yield f"rate is {r['rate']}, not {rate}"


def _microseconds(ts: str) -> int:
    return (datetime.fromisoformat(ts) - EPOCH) // timedelta(microseconds=1)


class Log:
    def __init__(self, allow_torn: bool):
        self.allow_torn = allow_torn
        self.complaints: list[tuple[int, str]] = []
        self.sessions: dict[str, Session] = {}
        self.last_line: dict[str, int] = {}
        self.lost = 0
        self.next_lost_seq = 0
        self.torn: int | None = None  # the line before, if it is torn

    def complain(self, number: int, what: str) -> None:
        self.complaints.append((number, what))

    def add_line(self, number: int, line: bytes) -> None:
        torn, self.torn = self.torn, None
        try:
            record = parse(line)
        except ValueError as error:
            # A torn line inside a log: killed, and another process appended; or the disk was full.
            if breaks_off(error) and is_torn(line.decode("utf-8", "replace")):
                self.torn = number
            else:
                self.complain(number, f"not strict JSON: {error}")
            self._complain_torn(torn)
            return
        if record.get("kind") != "lost":
            self._complain_torn(torn)
        self._add_record(number, record)

    def _complain_torn(self, number: int | None) -> None:
        if number and not self.allow_torn:
            self.complain(number, "a torn line")

    def _add_record(self, number: int, record: dict) -> None:
        errors = schema_errors(record) + text_errors(record)
        if list(record)[:4] != FIRST_KEYS:
            errors.append(f"the first keys are not {', '.join(FIRST_KEYS)}")
        if not errors:
            is_lost = record["kind"] == "lost"
            errors = self._add_lost(record) if is_lost else self._add_to_session(number, record)
        for error in errors:
            self.complain(number, error)

    def _add_lost(self, record: dict) -> list[str]:
        self.lost += record["records_lost"]
        expected = {0, self.next_lost_seq}  # 0: another process
        self.next_lost_seq = record["seq"] + 1
        if record["seq"] in expected:
            return []
        return [f"seq {record['seq']} of {record['session']}, not in {sorted(expected)}"]

    def _add_to_session(self, number: int, record: dict) -> list[str]:
        name = record["session"]
        self.last_line[name] = number
        return list(self.sessions.setdefault(name, Session()).add(record))

    def finish(self) -> None:
        self._complain_torn(self.torn)
        missing = sum(session.missing for session in self.sessions.values())
        if missing > self.lost:
            name = next(name for name, session in self.sessions.items() if session.missing)
            what = f"{missing} numbers in seq are missing in this log, {self.lost} told as lost"
            self.complain(self.last_line[name], f"session {name} lacks records: {what}")
        for name, session in self.sessions.items():
            if not session.ended and not self.allow_torn and self.lost == 0:
                self.complain(self.last_line[name], f"session {name} has no end record")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--allow-torn", action="store_true")
    parser.add_argument("files", nargs="+", metavar="FILE")
    options = parser.parse_args()
    complaints = [what for path in options.files for what in check_log(path, options.allow_torn)]
    print("\n".join(complaints), end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
