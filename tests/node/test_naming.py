"""Host names, aliases and resolvers of pods, as values."""

from typing import Any

import pytest

from labctl.node.pods.naming import NameTooLong, Resolver, aliases, domain, hostname, resolver
from tests.node.pods import pod

SEARCHES = ("default.svc.cluster.local", "svc.cluster.local", "cluster.local")
CLUSTER = Resolver((), SEARCHES, ("ndots:5",))


def test_a_long_name_makes_a_hostname_of_at_most_63_characters() -> None:
    obj = pod(hostname="")
    obj["metadata"]["name"] = "a" * 62 + "-bcd"
    assert hostname(obj) == "a" * 62


def test_a_pod_may_say_what_it_is_called_and_where() -> None:
    obj = pod(hostname="db", subdomain="store")
    assert (hostname(obj), domain(obj)) == ("db", "store.default.svc.cluster.local")
    assert (hostname(pod()), domain(pod())) == ("web-0", "")


def test_the_whole_name_can_be_the_host_name_if_the_kernel_takes_it() -> None:
    assert hostname(pod(setHostnameAsFQDN=True)) == "web-0"
    whole = pod(hostname="db", subdomain="store", setHostnameAsFQDN=True)
    assert hostname(whole) == "db.store.default.svc.cluster.local"
    long = pod(hostname="db", subdomain="s" * 40, setHostnameAsFQDN=True)
    with pytest.raises(NameTooLong, match=r"too long \(64 characters is the max, 69 characters"):
        hostname(long)


def test_aliases() -> None:
    given = [{"ip": "10.1.2.3", "hostnames": ["foo", "bar"]}, {"ip": "10.1.2.4"}]
    assert aliases(pod(hostAliases=given)) == (("10.1.2.3", ("foo", "bar")), ("10.1.2.4", ()))


@pytest.mark.parametrize(
    ("spec", "answer"),
    [
        ({}, CLUSTER),
        ({"dnsPolicy": "ClusterFirst", "hostNetwork": True}, Resolver()),
        ({"dnsPolicy": "ClusterFirstWithHostNet", "hostNetwork": True}, CLUSTER),
        ({"dnsPolicy": "Default"}, Resolver()),
        (
            {
                "dnsPolicy": "None",
                "dnsConfig": {
                    "nameservers": ["1.2.3.4"],
                    "searches": ["ns1.svc", "my.dns"],
                    "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}],
                },
            },
            Resolver(("1.2.3.4",), ("ns1.svc", "my.dns"), ("ndots:2", "edns0")),
        ),
        (
            {"dnsConfig": {"searches": ["x", "cluster.local"], "options": [{"name": "ndots"}]}},
            Resolver((), (*SEARCHES, "x"), ("ndots",)),
        ),
    ],
)
def test_whom_it_asks_for_names(spec: dict[str, Any], answer: Resolver) -> None:
    assert resolver(pod(**spec)) == answer
