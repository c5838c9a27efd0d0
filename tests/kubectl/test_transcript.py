"""Transcripts are read as they are written, and what differs is seen."""

from pathlib import Path

import pytest

from tests.kubectl.transcript import matches, read

TEXT = """\
# about
@since 1.26
@soon
$ kubectl apply -f - <<'END'
> kind: List
> END
made …
⋮
! warned
[3]
$ kubectl get nothing

# a note
@until 1.30
$ kubectl version
"""


def test_a_transcript_is_read(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text(TEXT)
    first, second, third = read(tmp_path / "one.txt")
    assert first.command == "kubectl apply -f - <<'END'\nkind: List\nEND"
    assert (first.out, first.err, first.code) == (("made …", "⋮"), ("warned",), 3)
    assert (first.since, first.soon) == (26, True)
    assert (second.command, second.out, second.line) == ("kubectl get nothing", (), 11)
    assert (third.until, third.since) == (30, 0)


def test_a_mistake_is_named(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("@sinse 1.20\n$ true\n")
    with pytest.raises(ValueError, match="line 1: @sinse"):
        read(tmp_path / "one.txt")


@pytest.mark.parametrize(
    ("wanted", "seen", "same"),
    [
        (["NAME AGE", "web …s"], "NAME   AGE\nweb    12s\n", True),
        (["NAME AGE", "web …s"], "NAME   AGE\nweb    12m\n", False),
        (["a", "⋮", "z"], "a\nb\nc\nz\n", True),
        (["a", "⋮", "z"], "a\nz\n", True),
        (["a", "⋮"], "b\n", False),
        ([], "anything\n", False),
        (["⋮"], "", True),
        (["in $NS."], "in space.\n", True),
        (["[1] (x)"], "\n[1] (x)\n\n", True),
    ],
)
def test_text_is_compared_in_meaning(wanted: list[str], seen: str, same: bool) -> None:
    assert matches(wanted, seen, {"NS": "space"}) is same
