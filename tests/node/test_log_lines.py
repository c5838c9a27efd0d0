"""Log files as people ask for them."""

import asyncio
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.api.log_options import LogOptions
from labctl.cri import log_files
from labctl.node.server.log_lines import LineReader, tail_start
from labctl.node.server.log_reader import read_log

LOG = (
    b"2023-11-14T22:13:20.000000000Z stdout F one\n"
    b"2023-11-14T22:13:21.000000000Z stderr P tw\n"
    b"2023-11-14T22:13:21.000000001Z stderr F o\n"
    b"2023-11-14T22:13:22.000000000Z stdout F three  spaces\n"
    b"2023-11-14T22:13:23.000000000Z stdout F \n"
)


def read(**options: str) -> bytes:
    return LineReader(LogOptions.of(options, "web", 1_700_000_002.0)).feed(LOG)


def test_lines_are_shown_without_their_stamps_and_parts_are_joined() -> None:
    assert read() == b"one\ntwo\nthree  spaces\n\n"


def test_with_timestamps_each_whole_line_has_one() -> None:
    text = read(timestamps="true").splitlines()
    assert text[1] == b"2023-11-14T22:13:21.000000000Z two"


def test_lines_since() -> None:
    assert read(sinceSeconds="1") == b"two\nthree  spaces\n\n"
    assert read(sinceTime="2023-11-14T22:13:22Z") == b"three  spaces\n\n"


def test_a_limit_of_bytes_cuts() -> None:
    assert read(limitBytes="5") == b"one\nt"


@pytest.mark.parametrize(("lines", "shown"), [(0, b""), (1, b"\n"), (3, b"two\nthree  spaces\n\n")])
def test_the_tail(lines: int, shown: bytes) -> None:
    start = tail_start(LOG, lines)
    assert start is not None
    assert LineReader(LogOptions()).feed(LOG[start:]) == shown


def test_a_log_shorter_than_the_tail_is_shown_whole() -> None:
    assert tail_start(LOG, 5) is None


@given(st.lists(st.integers(1, len(LOG)), max_size=5).map(sorted))
def test_portions_do_not_matter(cuts: list[int]) -> None:
    reader = LineReader(LogOptions())
    ends = [*cuts, len(LOG)]
    portions = [LOG[start:end] for start, end in zip([0, *cuts], ends, strict=True)]
    assert b"".join(reader.feed(one) for one in portions) == read()


def test_following_shows_what_is_written_until_the_container_ends(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_bytes(LOG)

    more = [b"2023-11-14T22:13:24.000000000Z stdout F last\n"]

    def is_running() -> bool:
        """It writes one more line and ends."""
        if not more:
            return False
        with path.open("ab") as file:
            file.write(more.pop())
        return True

    async def scene() -> bytes:
        options = LogOptions(follow=True)
        return b"".join([data async for data in read_log(str(path), options, is_running)])

    assert asyncio.run(scene()) == b"one\ntwo\nthree  spaces\n\nlast\n"


def test_the_tail_of_a_long_file_is_found_from_its_end(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    line = b"2023-11-14T22:13:24.000000000Z stdout F %06d\n"
    path.write_bytes(b"".join(line % number for number in range(50_000)))

    async def scene() -> bytes:
        options = LogOptions(tail_lines=3000)
        return b"".join([data async for data in read_log(str(path), options, lambda: False)])

    shown = asyncio.run(scene()).split()
    assert (len(shown), shown[0], shown[-1]) == (3000, b"047000", b"049999")


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    async def scene() -> list[bytes]:
        return [data async for data in read_log(str(tmp_path / "x"), LogOptions(), lambda: True)]

    assert asyncio.run(scene()) == []


def test_a_log_that_is_followed_may_begin_later(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    looks = itertools.count()

    def is_running() -> bool:
        """It says nothing before the third look, and then ends."""
        look = next(looks)
        if look == 2:
            path.write_bytes(LOG)
        return look < 2

    async def scene() -> bytes:
        options = LogOptions(follow=True)
        return b"".join([data async for data in read_log(str(path), options, is_running)])

    assert asyncio.run(scene()) == b"one\ntwo\nthree  spaces\n\n"


def test_following_goes_on_where_a_log_was_set_aside_however_often(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    line = b"2023-11-14T22:13:24.000000000Z stdout F %d\n"
    path.write_bytes(line % 0)
    numbers = iter(range(1, 13))
    looks = itertools.count()

    def is_running() -> bool:
        """At every fourth look three files more were filled."""
        for number in itertools.islice(numbers, 3 if next(looks) % 8 == 0 else 0):
            log_files.rotate(str(path), number)
            path.write_bytes(line % number)
        return next(looks) < 40

    async def scene() -> bytes:
        options = LogOptions(follow=True)
        return b"".join([data async for data in read_log(str(path), options, is_running)])

    assert asyncio.run(scene()).split() == [b"%d" % number for number in range(13)]
    assert len(log_files.rotated(str(path))) == 4
    log_files.remove(str(path))
    assert list(tmp_path.iterdir()) == []


def test_whoever_does_not_follow_reads_the_present_file(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_bytes(LOG)
    log_files.rotate(str(path), 1)
    path.write_bytes(LOG[: LOG.index(b"\n") + 1])

    async def scene() -> bytes:
        return b"".join([data async for data in read_log(str(path), LogOptions(), lambda: True)])

    assert asyncio.run(scene()) == b"one\n"
