"""Ark's own Python clients, unmodified: Volcengine's at the emulator's Beijing, BytePlus's at its Singapore.

Where they differ from the vendor's pages (volcengine-ark-runtime 5.0.54, byteplus-python-sdk-v2 3.0.63):

- They send every field left unset as ``null``; the pages know no null. The vendor takes what its client sends, so
  null means absent.
- A DELETE carries the body ``{}``; the pages name none. It is ignored.
- They send a create again, twice, whenever its answer is lost. The pages promise nothing that would make these one
  job, and each ``X-Client-Request-Id`` is new: three jobs are made, and this package does not send creates so.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from dramagen.emulator import Handle, ManualClock

pytestmark = [
    pytest.mark.conformance,
    # The clients' own warnings about newer versions of what they are built on.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


class Place(NamedTuple):
    runtime: Any
    path: str
    model: str
    agent: str


@pytest.fixture(
    params=[
        ("volcenginesdkarkruntime", "seedance", "doubao-seedance-2-0-260128", "volc-sdk-python/1.0.0"),
        (
            "byteplussdkarkruntime",
            "seedance@intl",
            "dreamina-seedance-2-0-260128",
            "byteplus-sdk-python/1.0.0",
        ),
    ],
    ids=["volcengine", "byteplus"],
)
def place(request: pytest.FixtureRequest) -> Place:
    package, *rest = request.param
    return Place(pytest.importorskip(package, reason="make conformance installs it"), *rest)


@pytest.fixture
def ark(place: Place, vendors: Handle) -> Any:
    with place.runtime.Ark(base_url=f"{vendors.url}/{place.path}/api/v3", api_key="key-one") as client:
        yield client


def test_create_get_list_delete(
    ark: Any, place: Place, vendors: Handle, clock: ManualClock, film: Callable[..., Any]
) -> None:
    tasks = ark.content_generation.tasks
    created = tasks.create(
        model=place.model,
        content=[{"type": "text", "text": "a cat"}],
        resolution="480p",
        ratio="9:16",
        duration=5,
        generate_audio=True,
        seed=7,
    )
    sent = vendors.requests()[0]
    assert sent["headers"]["user-agent"] == place.agent
    assert sent["body"]["frames"] is None, "what is unset is sent as null"
    clock.advance(10)
    assert tasks.get(task_id=created.id).status == "running"
    with pytest.raises(place.runtime._exceptions.ArkAPIStatusError) as refused:
        tasks.delete(task_id=created.id)
    assert refused.value.status_code == 409
    clock.advance(300)
    done = tasks.get(task_id=created.id)
    assert (done.status, done.usage.completion_tokens, done.duration) == ("succeeded", 50638, 5)
    assert done.seed == 7
    got = film(done.content.video_url)
    assert (got.seconds, got.size, got.sound) == (5.04, (496, 864), True)
    listed = tasks.list(page_num=1, page_size=2, status="succeeded", model=place.model, task_ids=[created.id])
    assert [item.id for item in listed.items] == [created.id]
    tasks.delete(task_id=created.id)
    clock.advance(1)
    assert tasks.list().total == 0
    assert len(vendors.bill()) == 1


def test_left_to_itself_the_client_pays_three_times_for_one_lost_answer(
    ark: Any, place: Place, vendors: Handle, creates: Callable[[Handle], list[str]]
) -> None:
    vendors.faults(provider="seedance", on="create", kind="drop", after_accept=True, times=3)
    with pytest.raises(place.runtime._exceptions.ArkAPIConnectionError):
        ark.content_generation.tasks.create(
            model=place.model, content=[{"type": "text", "text": "a cat"}], ratio="9:16", duration=5
        )
    assert len(creates(vendors)) == 3
    assert len({each["headers"]["x-client-request-id"] for each in vendors.requests()}) == 3
    assert len(vendors.bill()) == 3, "three jobs for one order"
