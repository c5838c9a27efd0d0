"""Cutting output into the CRI's log lines."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.cri import log_files
from labctl.runtime.logs import LineCutter, LogFile, timestamp

NOW = 1_475_712_549_669_794_202
STAMP = b"2016-10-06T00:09:09.669794202Z"


def test_a_stamp_is_rfc_3339_with_nine_digits() -> None:
    assert timestamp(NOW).encode() == STAMP
    assert timestamp(1_000_000_007) == "1970-01-01T00:00:01.000000007Z"


def _whole(cutter: LineCutter, *pieces: bytes) -> bytes:
    return b"".join(cutter.feed(piece, NOW) for piece in pieces) + cutter.finish(NOW)


@pytest.mark.parametrize(
    ("pieces", "texts"),
    [
        ([b"one\ntwo\n"], [b"F one", b"F two"]),
        ([b"on", b"e\ntw", b"o\n"], [b"F one", b"F two"]),
        ([b"\n\n"], [b"F ", b"F "]),
        ([b"no newline"], [b"F no newline"]),
        ([], []),
        ([b"a" * 16384 + b"\n"], [b"F " + b"a" * 16384]),
        ([b"a" * 16384, b"\n"], [b"P " + b"a" * 16384, b"F "]),
        ([b"a" * 40000 + b"\n"], [b"P " + b"a" * 16384, b"P " + b"a" * 16384, b"F " + b"a" * 7232]),
    ],
)
def test_lines_are_whole_and_long_ones_in_parts(pieces: list[bytes], texts: list[bytes]) -> None:
    expected = b"".join(STAMP + b" stderr " + text + b"\n" for text in texts)
    assert _whole(LineCutter("stderr"), *pieces) == expected


@given(st.binary(max_size=40_000) | st.just(b"x" * 50_000 + b"\ny"), st.data())
def test_nothing_is_lost_however_it_comes(output: bytes, data: Any) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(output)), max_size=10)))
    pieces = [output[start:end] for start, end in pairwise([0, *cuts, len(output)])]
    assert _joined(_whole(LineCutter("stdout"), *pieces)) == output.removesuffix(b"\n")


def _joined(lines: bytes) -> bytes:
    """What was said, from its log lines: as kubectl logs puts them together."""
    said = b""
    for line in lines.split(b"\n")[:-1]:
        _, _, tag, text = line.split(b" ", 3)
        said += text + (b"\n" if tag == b"F" else b"")
    return said.removesuffix(b"\n")


def test_a_file_that_was_rotated_away_is_let_go_of(tmp_path: Path) -> None:
    file = LogFile(str(tmp_path / "deep" / "0.log"))
    file.create()
    file.write_line("first")
    (tmp_path / "deep" / "0.log").rename(tmp_path / "old")
    file.write_line("second")
    assert (tmp_path / "old").read_text().endswith(" stdout F first\n")
    assert (tmp_path / "deep" / "0.log").read_text().endswith(" stdout F second\n")


def test_a_log_that_grows_too_long_is_set_aside_and_the_oldest_go(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    file = LogFile(str(path), limit=100)
    for number in range(30):
        file.write_line(f"line {number:02}")
    kept = [Path(one).read_text().splitlines() for one in log_files.rotated(str(path))]
    assert [len(lines) for lines in kept] == [3, 3, 3, 3]
    shown = [line.rpartition(" ")[2] for lines in kept for line in lines]
    assert shown == [f"{number:02}" for number in range(18, 30)]


def test_a_log_on_a_full_disk_costs_its_lines_and_no_more() -> None:
    file = LogFile("/dev/full")
    file.write_line("lost")
    file.write_line("lost, too")
