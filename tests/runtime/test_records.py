"""The journal of sandboxes and containers, by itself."""

import tracemalloc
from pathlib import Path

from msgspec.structs import replace

from labctl.cri import Container, ContainerConfig, Sandbox, SandboxConfig
from labctl.runtime.processes import Identity
from labctl.runtime.records import ContainerRecord, PodRecord, Records, SandboxRecord

POD = SandboxConfig("web-0", "default", "kept")


def test_a_journal_begins_empty_in_a_directory_that_it_makes(tmp_path: Path) -> None:
    assert Records(tmp_path / "new" / "journal").read() == []


def test_a_journal_is_written_anew_once_most_of_it_holds_no_longer(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    records = Records(path)
    kept = SandboxRecord("boot", Sandbox("kept-0", POD, 1, "", "ready", 0.0), Identity(1, 2), "")
    web = ContainerRecord(Container("kept-0.web.0", "kept-0", ContainerConfig("web"), "running"))
    records.sandbox_changed(kept)
    records.container_changed(web)
    sizes = []
    for number in range(20_000):
        gone = replace(kept.sandbox, id=f"gone-{number}")
        records.sandbox_changed(SandboxRecord("boot", gone, kept.pause, ""))
        records.remove(gone.id)
        sizes.append(path.stat().st_size)
    assert max(sizes) > 2 * sizes[-1]
    tracemalloc.start()
    try:
        found = Records(path).read()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == [PodRecord(kept, {web.container.id: web})]
    assert peak < sizes[-1] / 4, "the heap keeps what is taken for a moment"
