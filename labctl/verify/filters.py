"""Classic BPF: which frames a capture shows, decided in the kernel.

A filter is a set of alternatives, each a row of tests that all have to hold: a disjunctive normal
form as a value, assembled into the instructions of linux/filter.h. Offsets count from the start of
the Ethernet header; IPv4 headers are taken to be 20 bytes long, which the filter tests too.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Iterable
from typing import NamedTuple

_SO_ATTACH_FILTER = 26
_LOAD = {1: 0x30, 2: 0x28, 4: 0x20}  # BPF_LD | BPF_ABS, and the size
_AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
_JUMP_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_RETURN = 0x06
_INSTRUCTION = struct.Struct("=HBBI")
_WHOLE = 0x4_0000  # bytes of a frame that are shown: all
_MAX_JUMP = 255


class Match(NamedTuple):
    """The `size` bytes at `offset`, masked, equal `value`."""

    offset: int
    size: int
    value: int
    mask: int = 0


Alternative = tuple[Match, ...]
Filter = tuple[Alternative, ...]

IPV4 = (Match(12, 2, 0x0800), Match(14, 1, 0x45))


def assemble(alternatives: Filter) -> bytes:
    """The program: a frame passes whole if all tests of any alternative hold."""
    return b"".join(_assemble_one(tests) for tests in alternatives) + _instruction(_RETURN, 0)


def _assemble_one(tests: Alternative) -> bytes:
    """One alternative; where a test fails, the jump leads past its end."""
    length = sum(_length(test) for test in tests) + 1
    if length > _MAX_JUMP:
        raise ValueError("an alternative is too long for a BPF jump")
    program, position = [], 0
    for test in tests:
        position += _length(test)
        program.append(_instruction(_LOAD[test.size], test.offset))
        if test.mask:
            program.append(_instruction(_AND, test.mask))
        program.append(_instruction(_JUMP_EQUAL, test.value, on_false=length - position))
    return b"".join([*program, _instruction(_RETURN, _WHOLE)])


def _length(test: Match) -> int:
    return 3 if test.mask else 2


def _instruction(code: int, operand: int, on_false: int = 0) -> bytes:
    return _INSTRUCTION.pack(code, 0, on_false, operand)


def attach(sock: socket.socket, alternatives: Filter) -> None:
    """Puts the filter on a socket, in place of any that it has (socket(7), SO_ATTACH_FILTER)."""
    program = assemble(alternatives)
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HL", len(program) // _INSTRUCTION.size, ctypes.addressof(buffer))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, header)


def matches(alternatives: Iterable[Alternative], frame: bytes) -> bool:
    """What the program does, in Python: for tests, and for frames inside of frames."""
    return any(all(_holds(test, frame) for test in tests) for tests in alternatives)


def _holds(test: Match, frame: bytes) -> bool:
    end = test.offset + test.size
    if len(frame) < end:
        return False
    value = int.from_bytes(frame[test.offset : end], "big")
    return (value & test.mask if test.mask else value) == test.value
