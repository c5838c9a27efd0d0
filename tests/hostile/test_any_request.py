"""Every method on every path, with bodies that are nearly right: an answer each, and never a 500."""

from hypothesis import HealthCheck, given, settings

from tests.hostile.requests import Document, Request
from tests.hostile.victim import Answer, Victim

_OF_THE_SERVERS = {503, 504}  # who may name a revision of the future, or an agent that is not there


def problem_of(request: Request, answer: Answer) -> str:
    """What is wrong with an answer, or ""."""
    if answer.code < 400:
        return ""
    if answer.code >= 500 and answer.code not in _OF_THE_SERVERS:
        return f"{answer.code} {answer.body[:500]!r}"
    if request.method == "HEAD" or request.watches:
        return ""
    status = answer.json
    told = (status["kind"], status["status"], status["code"])
    if told != ("Status", "Failure", answer.code) or not status["reason"] or not status["message"]:
        return f"{answer.code} {answer.body[:500]!r}"
    return "" if len(answer.body) < 600_000 else f"{len(answer.body)} bytes to say no"


def test_no_request_is_too_much(victim: Victim) -> None:
    swagger = victim.ask(Request("GET", "/openapi/v2", {}, None)).json

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(Document(swagger).requests())
    def attack(request: Request) -> None:
        problem = problem_of(request, victim.ask(request))
        assert not problem, problem

    attack()
    victim.labctl.ok("up")  # a node that was deleted registers again only when it is asked to


EXAMPLES = 600
