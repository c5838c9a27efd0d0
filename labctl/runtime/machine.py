"""What every sandbox and container of one lab shares on this machine."""

from dataclasses import dataclass
from pathlib import Path

from labctl import names
from labctl.cgroups.hierarchies import Hierarchies, read_hierarchies
from labctl.images.index import Index
from labctl.runtime.events import EventHub
from labctl.runtime.home import Home
from labctl.runtime.mounts import MountTable
from labctl.runtime.pause import pause_program
from labctl.runtime.pins import Pins
from labctl.runtime.privileges import read_last_capability
from labctl.runtime.processes import read_boot_id
from labctl.runtime.records import Records
from labctl.runtime.spawner import Spawner


@dataclass(frozen=True)
class Machine:
    lab: str
    home: Home
    spawner: Spawner
    records: Records
    events: EventHub
    boot_id: str
    last_capability: int
    pause_program: str
    scaffold: str  # an empty directory, on which containers build their roots, each in private
    streams: Path  # FIFOs of containers' outputs
    messages: Path  # files into which containers write their last words
    bundles: Path  # what crun is told of containers, and what it keeps of them
    images: Index
    mounts: MountTable
    pins: Pins
    hierarchies: Hierarchies

    def close(self) -> None:
        self.home.close()
        self.spawner.close()
        self.records.close()
        self.mounts.close()


def open_machine(lab: str) -> Machine:
    """Makes the directories that the runtime needs under the lab's run directory."""
    scaffold = names.run_dir(lab) / "root"
    streams = names.run_dir(lab) / "streams"
    messages = names.run_dir(lab) / "messages"
    bundles = names.run_dir(lab) / "crun"
    for directory in (scaffold, streams, messages):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Machine(
        lab=lab,
        home=Home(),
        spawner=Spawner(lab),
        records=Records(names.sandbox_journal(lab)),
        events=EventHub(),
        boot_id=read_boot_id(),
        last_capability=read_last_capability(),
        pause_program=pause_program(),
        scaffold=str(scaffold),
        streams=streams,
        messages=messages,
        bundles=bundles,
        images=Index(names.image_dir(lab)),
        mounts=MountTable(),
        pins=Pins(lab),
        hierarchies=read_hierarchies(),
    )
