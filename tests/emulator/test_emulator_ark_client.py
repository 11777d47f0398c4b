"""Ark's own Python client, unmodified, against the emulator."""

import pytest

from dramagen.emulator import Handle, ManualClock

runtime = pytest.importorskip("volcenginesdkarkruntime", reason="needs the conformance extra")

pytestmark = [
    pytest.mark.conformance,
    # The client's own warnings about newer versions of what it is built on.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

MODEL = "doubao-seedance-2-0-260128"


def test_create_get_list_delete(vendors: Handle, clock: ManualClock) -> None:
    with runtime.Ark(base_url=f"{vendors.url}/seedance/api/v3", api_key="key-one") as client:
        tasks = client.content_generation.tasks
        created = tasks.create(
            model=MODEL, content=[{"type": "text", "text": "a cat"}], ratio="9:16", duration=5
        )
        clock.advance(10)
        assert tasks.get(task_id=created.id).status == "running"
        with pytest.raises(runtime._exceptions.ArkAPIStatusError) as refused:
            tasks.delete(task_id=created.id)
        assert refused.value.status_code == 409
        clock.advance(300)
        done = tasks.get(task_id=created.id)
        assert (done.status, done.usage.completion_tokens, done.duration) == ("succeeded", 108900, 5)
        assert done.content.video_url.startswith(vendors.url)
        listed = tasks.list(page_num=1, page_size=2, status="succeeded", model=MODEL, task_ids=[created.id])
        assert [item.id for item in listed.items] == [created.id]
        tasks.delete(task_id=created.id)
        clock.advance(1)
        assert tasks.list().total == 0
    assert len(vendors.bill()) == 1
