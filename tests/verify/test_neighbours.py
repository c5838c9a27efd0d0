"""The ARP table's limit, and whether a mesh fits under it."""

from labctl.verify.neighbours import mesh_entries, warnings
from tests.verify.values import A, B, C, topology


def test_a_mesh_needs_an_entry_for_each_ordered_pair_on_a_node() -> None:
    assert mesh_entries(topology(A, B, C)) == 2
    assert mesh_entries(topology(*[A] * 33, *[C] * 33)) == 2 * 33 * 32


def test_a_mesh_under_the_limit_is_no_warning() -> None:
    assert warnings(topology(), 1024) == ()
    assert warnings(topology(*[A] * 100), None) == ()


def test_a_mesh_above_the_limit_names_the_sysctl_line() -> None:
    (warning,) = warnings(topology(*[A] * 100), 1024)
    assert "100 pods needs 9900 ARP entries, and this host allows 1024" in warning
    assert warning.endswith("sysctl -w net.ipv4.neigh.default.gc_thresh3=32768")
