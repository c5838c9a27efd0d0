"""When an image that is not to be had is asked for again, and what the pod says meanwhile."""

from labctl.cri.messages import StoredImage
from labctl.node.node_object import with_images
from labctl.node.pods.crash_backoff import Delays
from labctl.node.pods.image_backoff import ImageBackoff


def attempt(backoff: ImageBackoff, now: float, image: str = "web") -> tuple[str, float]:
    failure = backoff.failed("uid", image, "ErrImagePull", "not there", now)
    return failure.reason, failure.until


def test_attempts_and_waits_take_turns_and_waits_double() -> None:
    backoff = ImageBackoff()
    assert attempt(backoff, 100) == ("ErrImagePull", 101)
    assert attempt(backoff, 101) == ("ImagePullBackOff", 110)
    assert attempt(backoff, 110) == ("ErrImagePull", 111)
    assert attempt(backoff, 111) == ("ImagePullBackOff", 130)
    for delay in (40, 80, 160, 300, 300):
        _, until = attempt(backoff, now := until_of(backoff))
        assert until == now + 1
        assert attempt(backoff, until) == ("ImagePullBackOff", now + delay)


def until_of(backoff: ImageBackoff) -> float:
    return max(entry.until for entry in backoff._entries.values())


def test_the_wait_says_why_as_kubelets_do() -> None:
    backoff = ImageBackoff()
    attempt(backoff, 100)
    failure = backoff.failed("uid", "web", "ErrImagePull", "not there", 101)
    assert failure.message == 'Back-off pulling image "web": ErrImagePull: not there'


def test_images_and_pods_wait_each_for_themselves() -> None:
    backoff = ImageBackoff()
    attempt(backoff, 100)
    assert attempt(backoff, 101, "other")[0] == "ErrImagePull"
    backoff.forget("uid")
    assert attempt(backoff, 102) == ("ErrImagePull", 103)


def test_the_lab_file_can_say_other_times() -> None:
    backoff = ImageBackoff(lambda: Delays(first=0.5, longest=0.8))
    assert attempt(backoff, 100) == ("ErrImagePull", 100.25)
    assert attempt(backoff, 100.25) == ("ImagePullBackOff", 100.5)
    assert attempt(backoff, 100.5) == ("ErrImagePull", 100.5 + 0.4)
    assert attempt(backoff, 100.9) == ("ImagePullBackOff", 101.3)


def test_what_needs_no_attempt_is_looked_at_again_in_a_while() -> None:
    backoff = ImageBackoff()
    for reason in ("InvalidImageName", "ErrImageNeverPull"):
        failure = backoff.failed("uid", "web", reason, "why", 100)
        assert (failure.reason, failure.message, failure.until) == (reason, "why", 110)


def test_a_node_tells_of_the_largest_images() -> None:
    images = [StoredImage((f"i{number}",) * 7, number) for number in range(60)]
    told = with_images({"phase": "x"}, images)["images"]
    assert len(told) == 50
    assert told[0] == {"names": ["i59"] * 5, "sizeBytes": 59}
    assert with_images({"images": told}, ()) == {}
