"""Log files of containers as people ask for them: the last lines, since when, with times (pure).

A line is `2016-10-06T00:17:09.669794202Z stdout F text` (the CRI's log format); the tag is P where
the line goes on in the next, and F where it ends.
"""

from labctl.api.log_options import LogOptions


class LineReader:
    """Turns a log file's bytes, in any portions, into what `options` ask for."""

    def __init__(self, options: LogOptions) -> None:
        self._options = options
        self._rest = b""
        self._starts_line = True
        self._left = options.limit_bytes

    @property
    def full(self) -> bool:
        """Whether limitBytes is used up."""
        return self._left == 0

    def feed(self, data: bytes) -> bytes:
        *lines, self._rest = (self._rest + data).split(b"\n")
        text = b"".join(self._text(line) for line in lines)
        if self._left is not None:
            text = text[: self._left]
            self._left -= len(text)
        return text

    def _text(self, line: bytes) -> bytes:
        time, _, rest = line.partition(b" ")
        _, _, rest = rest.partition(b" ")
        tag, _, text = rest.partition(b" ")
        starts, self._starts_line = self._starts_line, tag != b"P"
        if time.decode(errors="replace") < self._options.since:
            return b""
        head = time + b" " if self._options.timestamps and starts else b""
        return head + text + (b"" if tag == b"P" else b"\n")


def tail_start(data: bytes, lines: int) -> int | None:
    """Where the last `lines` whole lines of `data` begin; None if there are fewer in it.

    What ends in P belongs to the line that goes on after it.
    """
    position = len(data)
    for _ in range(lines):
        position = _line_start(data, position)
        while position > 0 and _is_partial(data, position):
            position = _line_start(data, position)
        if position == 0:
            return None
    return position


def _line_start(data: bytes, end: int) -> int:
    return data.rfind(b"\n", 0, max(end - 1, 0)) + 1


def _is_partial(data: bytes, end: int) -> bool:
    """Whether the line that ends at `end` has the tag P."""
    line = data[_line_start(data, end) : end]
    return line.split(b" ", 3)[2:3] == [b"P"]
