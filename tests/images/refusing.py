"""What every archive that is refused has in common."""

import tempfile
from pathlib import Path

import pytest

from labctl.api.version import architecture
from labctl.errors import BadInput
from labctl.images.budget import LIMITS, Limits
from labctl.images.load import load
from labctl.images.store import Store


def refused(path: Path, words: str, limits: Limits = LIMITS) -> None:
    """Loads it, which must fail in one line that says `words`, and leave nothing."""
    with tempfile.TemporaryDirectory() as directory:
        store = Store(Path(directory) / "store", limits)
        with pytest.raises(BadInput) as error:
            load(store, str(path), "", architecture(), set)
        assert words in error.value.message
        assert "\n" not in error.value.message
        assert store.index.images() == ()
        files = (one for one in Path(directory).rglob("*") if not one.is_dir())
        assert {one.name for one in files} <= {"lock"}
        assert not list(Path(directory).glob("store/*/*"))
