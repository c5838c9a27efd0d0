"""What an agent leaves to the next one."""

from pathlib import Path

from labctl.cni.config import Attachment
from labctl.cni.records import Record, Records


def test_records_outlive_whoever_wrote_them(tmp_path: Path) -> None:
    records = Records(tmp_path / "of" / "node1")
    records.load()
    args = (("K8S_POD_NAME", "web"),)
    begun = Record(Attachment("a-0", "/proc/1/ns/net", args=args, capabilities={"mac": "m"}), 7)
    done = Record(Attachment("b-0", "/proc/2/ns/net"), 8, {"ips": [{"address": "10.0.0.1/8"}]})
    for record in (begun, Record(done.attachment, 8), done):
        records.put(record)
    later = Records(tmp_path / "of" / "node1")
    later.load()
    assert later.get("a-0") == begun
    assert later.get("b-0") == done
    later.remove("a-0")
    later.remove("a-0")
    assert [one.container_id for one in later.all()] == ["b-0"]
    assert [file.name for file in (tmp_path / "of" / "node1").iterdir()] == ["b-0.json"]


def test_half_a_record_is_none(tmp_path: Path) -> None:
    (tmp_path / "a-0.json").write_text('{"attachment": {"contai')
    records = Records(tmp_path)
    records.load()
    assert records.all() == []
    assert list(tmp_path.iterdir()) == []
