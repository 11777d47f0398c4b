"""Run inside a peer's environment: a wave of jobs, each waited for as the library itself does it.

python waiting.py NAME URL LOAD --how HOW

Everything is the library's default but its address. Each has an API for asyncio, and that is used. Where no call
waits, the loop is that of the page named here, with its interval. A call that fetches the clip as well, which is
another phase, is kept from that.
"""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from typing import Any

from inflight import Film, Load, Row, main, measured
from peer import ARK, BYTEPLUS, FAL, FAL_INPUT, REPLICATE, REPLICATE_INPUT, SORA, WAN, byteplus

Waiter = Callable[[str], AbstractAsyncContextManager[Film]]
"""Of the vendor's URL: how one job is filmed."""


@asynccontextmanager
async def openai(url: str) -> AsyncIterator[Film]:
    client = import_module("openai").AsyncOpenAI(base_url=f"{url}/sora/v1", api_key="key-one")

    async def film(prompt: str) -> str:
        video = await client.videos.create_and_poll(prompt=prompt, **SORA)
        return str(video.id)

    yield film


def volcengine(interval: float) -> Waiter:
    """The loop of the vendor's pages, which every sample there has, with one of the two intervals they have."""

    @asynccontextmanager
    async def waiter(url: str) -> AsyncIterator[Film]:
        ark = import_module("volcenginesdkarkruntime").AsyncArk
        tasks = ark(base_url=f"{url}/seedance/api/v3", api_key="key-one").content_generation.tasks

        async def film(prompt: str) -> str:
            made = await tasks.create(content=[{"type": "text", "text": prompt}], **ARK)
            while True:
                task = await tasks.get(task_id=made.id)
                if task.status in ("succeeded", "failed"):
                    return str(made.id)
                await asyncio.sleep(interval)

        yield film

    return waiter


@asynccontextmanager
async def dashscope(url: str) -> AsyncIterator[Film]:
    dashscope: Any = import_module("dashscope")
    dashscope.base_http_api_url = f"{url}/wan/api/v1"
    synthesis = import_module("dashscope.aigc.video_synthesis").AioVideoSynthesis

    async def film(prompt: str) -> str:
        answer = await synthesis.call(api_key="key-one", prompt=prompt, **WAN)
        return str(answer.output.task_id)

    yield film


@asynccontextmanager
async def fal(url: str) -> AsyncIterator[Film]:
    # Its hosts are fixed and spoken to over TLS: here plainly, as everybody's, since TLS would be most of its work.
    queue: Any = import_module("fal_client.client")
    queue.QUEUE_URL_FORMAT = f"{url}/fal/"
    client = import_module("fal_client").AsyncClient(key="id:secret")

    async def film(prompt: str) -> str:
        jobs: list[str] = []
        await client.subscribe(FAL, {"prompt": prompt} | FAL_INPUT, on_enqueue=jobs.append)
        return jobs[0]

    yield film


@asynccontextmanager
async def replicate(url: str) -> AsyncIterator[Film]:
    client = import_module("replicate").Client(api_token="r8_x", base_url=f"{url}/replicate")

    async def film(prompt: str) -> str:
        text = {"prompt": prompt} | REPLICATE_INPUT
        prediction = await client.predictions.async_create(model=REPLICATE, input=text)
        await prediction.async_wait()
        return str(prediction.id)

    yield film


@asynccontextmanager
async def replicate_run(url: str) -> AsyncIterator[Film]:
    """The vendor holds the create for up to a minute, which is longer than these jobs run."""
    client = import_module("replicate").Client(api_token="r8_x", base_url=f"{url}/replicate")

    async def film(prompt: str) -> str:
        output = await client.async_run(REPLICATE, input={"prompt": prompt} | REPLICATE_INPUT)
        return str(output).partition("/_files/")[2].partition("/")[0]  # all it gives is the clip's URL

    yield film


@asynccontextmanager
async def litellm(url: str) -> AsyncIterator[Film]:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    litellm: Any = import_module("litellm")
    decoded = import_module("litellm.types.videos.utils").decode_video_id_with_provider
    where = {"api_base": f"{url}/sora/v1", "api_key": "key-one"}

    async def film(prompt: str) -> str:
        made = await litellm.avideo_generation(prompt=prompt, **SORA | {"model": "openai/sora-2"}, **where)
        while True:
            video = await litellm.avideo_status(video_id=made.id, **where)
            if video.status in ("completed", "failed"):
                return str(decoded(made.id)["video_id"])
            await asyncio.sleep(10)

    yield film


@asynccontextmanager
async def genblaze(url: str) -> AsyncIterator[Film]:
    os.environ["OPENAI_BASE_URL"] = f"{url}/sora/v1"
    core: Any = import_module("genblaze_core")
    sora: Any = import_module("genblaze_openai").SoraProvider

    class Uncollected(sora):  # type: ignore[misc]  # a class of another environment
        """Without the fetching of the clip."""

        def fetch_output(self, prediction_id: str, step: Any) -> Any:
            step.provider_payload = {"openai": {"video_id": prediction_id}}
            return step

    provider = Uncollected(api_key="key-one")

    async def film(prompt: str) -> str:
        step = core.Pipeline("wave").step(
            provider, model="sora-2", prompt=prompt, modality=core.Modality.VIDEO, seconds=4, size="720x1280"
        )
        done = await step.arun(raise_on_failure=True)
        return str(done.run.steps[0].provider_payload["openai"]["video_id"])

    yield film


@asynccontextmanager
async def celeste(url: str) -> AsyncIterator[Film]:
    client = byteplus(import_module("celeste"), url)

    async def film(prompt: str) -> str:
        output = await client.generate(prompt, **BYTEPLUS)
        return str(output.metadata["raw_response"]["id"])

    yield film


WAITERS: dict[str, dict[str, Waiter]] = {
    "openai": {"videos.create_and_poll": openai},
    "litellm": {"its page's loop, 10 s": litellm},
    "genblaze-core": {"Pipeline.arun": genblaze},
    "volcengine-ark-runtime": {
        "the vendor's loop, 3 s": volcengine(3),
        "the vendor's loop, 30 s": volcengine(30),
    },
    "celeste-ai": {"generate": celeste},
    "dashscope": {"AioVideoSynthesis.call": dashscope},
    "fal-client": {"subscribe": fal},
    "replicate": {"predictions.async_create, async_wait": replicate, "async_run": replicate_run},
}
"""For each library its ways to wait. Where the loops are from, pages read 2026-11-23: LiteLLM's "/videos"; the
samples for Seedance 1.0 at Volcengine (3 s) and for Seedance 2.0 at BytePlus (30 s)."""


async def measure(who: str, url: str, load: Load, how: str) -> Row:
    """One row."""
    async with WAITERS[who][how](url) as film:
        return await measured(load, url, film)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--how", required=True)
    main(parser, measure)
