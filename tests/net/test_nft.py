"""nftables as text: rendered as nft 1.0.6 wants it, known again by revision and seal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from labctl.errors import NetError
from labctl.net import namespaces, nft
from labctl.net.nouns import NftTable

HOOK = "type nat hook postrouting priority srcnat"


def table(*rules: str) -> NftTable:
    return nft.render("ip", "labctl", [nft.Chain("postrouting", rules, HOOK)])


@pytest.fixture
def within(netns: Path) -> Iterator[None]:
    with namespaces.inside(netns):
        yield


def test_a_table_is_one_transaction_with_one_statement_a_line() -> None:
    parts: list[nft.Chain | nft.Set] = [
        nft.Set("nodes", "ipv4_addr", ("172.30.1.1", "172.30.1.2")),
        nft.Set("services", "ipv4_addr . inet_service : verdict", flags="interval"),
        nft.Chain("postrouting", ("ip daddr @nodes accept", "masquerade"), HOOK),
        nft.Chain("empty"),
    ]
    rendered = nft.render("ip", "labctl", parts)
    assert rendered.text == (
        "add table ip labctl\n"
        "delete table ip labctl\n"
        "table ip labctl {\n"
        f"\tchain rev-{rendered.revision} {{\n"
        "\t}\n"
        "\tset nodes {\n"
        "\t\ttype ipv4_addr\n"
        "\t\telements = {\n"
        "\t\t\t172.30.1.1,\n"
        "\t\t\t172.30.1.2,\n"
        "\t\t}\n"
        "\t}\n"
        "\tmap services {\n"
        "\t\ttype ipv4_addr . inet_service : verdict\n"
        "\t\tflags interval\n"
        "\t}\n"
        "\tchain postrouting {\n"
        "\t\ttype nat hook postrouting priority srcnat; policy accept;\n"
        "\t\tip daddr @nodes accept\n"
        "\t\tmasquerade\n"
        "\t}\n"
        "\tchain empty {\n"
        "\t}\n"
        "}\n"
    )


def test_equal_rules_have_the_same_revision_and_others_another() -> None:
    assert table("accept") == table("accept")
    assert table("accept") != table("drop")


@pytest.mark.usefixtures("within")
def test_a_loaded_table_is_observed_as_it_was_rendered() -> None:
    nft.load(table("masquerade fully-random"))
    assert list(nft.observe_tables()) == [table("masquerade fully-random")]


@pytest.mark.usefixtures("within")
def test_loading_replaces_all_that_was_there() -> None:
    nft.load(table("accept"))
    nft.load(table("counter accept"))
    assert list(nft.observe_tables()) == [table("counter accept")]


@pytest.mark.usefixtures("within")
def test_a_table_that_nft_refuses_leaves_the_old_one() -> None:
    nft.load(table("accept"))
    with pytest.raises(NetError, match=r"nft -f - # table ip labctl.*syntax error"):
        nft.load(table("nonsense"))
    assert list(nft.observe_tables()) == [table("accept")]


@pytest.mark.usefixtures("within")
def test_deleting_a_table_twice_is_no_error() -> None:
    nft.load(table("accept"))
    nft.delete(table("accept"))
    nft.delete(table("accept"))
    assert list(nft.observe_tables()) == []
