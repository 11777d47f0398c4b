"""Run inside a peer's environment: one create for every line on stdin, and on stdout what its caller is told.

python peer.py NAME URL

Everything is the client's default but its address, and its timeout of one second where it has such an option.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

PROMPT = "rain at night, she turns around"
SORA = {"model": "sora-2", "seconds": "4", "size": "720x1280"}
ARK = {"model": "doubao-seedance-2-0-260128", "resolution": "480p", "ratio": "9:16", "duration": 5}
WAN = {"model": "wan3.0-video", "duration": 5, "resolution": "480P", "ratio": "9:16"}
FAL = "fal-ai/kling-video/v3/pro/text-to-video"
FAL_INPUT = {"duration": "3", "aspect_ratio": "9:16", "generate_audio": True}
REPLICATE = "kwaivgi/kling-v3-video"
REPLICATE_INPUT = {"mode": "pro", "duration": 3, "aspect_ratio": "9:16", "generate_audio": True}
BYTEPLUS = {"duration": 5, "resolution": "480p"}


def openai(url: str) -> Callable[[], object]:
    openai: Any = import_module("openai")

    client = openai.OpenAI(base_url=f"{url}/sora/v1", api_key="key-one", timeout=1.0)
    return lambda: client.videos.create(prompt=PROMPT, **SORA).id


def volcengine(url: str) -> Callable[[], object]:

    client = import_module("volcenginesdkarkruntime").Ark(
        base_url=f"{url}/seedance/api/v3", api_key="key-one", timeout=1.0
    )
    content = [{"type": "text", "text": PROMPT}]
    return lambda: client.content_generation.tasks.create(content=content, **ARK).id


def dashscope(url: str) -> Callable[[], object]:
    dashscope: Any = import_module("dashscope")

    dashscope.base_http_api_url = f"{url}/wan/api/v1"

    def create() -> object:
        made = dashscope.VideoSynthesis.async_call(api_key="key-one", prompt=PROMPT, **WAN)
        if made.status_code != 200:
            raise RuntimeError(f"{made.status_code} {made.code}")
        return made.output.task_id

    return create


def fal(url: str) -> Callable[[], object]:
    fal_client: Any = import_module("fal_client")

    client = fal_client.SyncClient(key="id:secret", default_timeout=1.0)
    return lambda: client.submit(FAL, {"prompt": PROMPT} | FAL_INPUT).request_id


def replicate(url: str) -> Callable[[], object]:
    replicate: Any = import_module("replicate")

    client = replicate.Client(api_token="r8_x", base_url=f"{url}/replicate", timeout=1.0)
    text = {"prompt": PROMPT} | REPLICATE_INPUT
    return lambda: client.predictions.create(model=REPLICATE, input=text).id


def litellm(url: str) -> Callable[[], object]:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    litellm: Any = import_module("litellm")

    return lambda: litellm.video_generation(
        prompt=PROMPT, **SORA | {"model": "openai/sora-2"}, api_base=f"{url}/sora/v1", api_key="key-one",
        timeout=1.0,
    ).id  # fmt: skip


def genblaze(url: str) -> Callable[[], object]:
    os.environ["OPENAI_BASE_URL"] = f"{url}/sora/v1"
    core: Any = import_module("genblaze_core")
    maker: Any = import_module("genblaze_openai").SoraProvider

    def create() -> object:
        provider = maker(api_key="key-one", http_timeout=1.0, poll_interval=0.05)
        step = core.Pipeline("lost").step(
            provider, model="sora-2", prompt=PROMPT, modality=core.Modality.VIDEO, seconds=4, size="720x1280"
        )
        run = step.run(raise_on_failure=True)
        return str(run)[:60]

    return create


def celeste(url: str) -> Callable[[], object]:

    celeste: Any = import_module("celeste")

    client = byteplus(celeste, url)
    return lambda: asyncio.run(client.generate(PROMPT, **BYTEPLUS))


def byteplus(celeste: Any, url: str) -> Any:
    """Celeste's client of BytePlus."""
    return celeste.create_client(
        modality=celeste.Modality.VIDEOS,
        operation=celeste.Operation.GENERATE,
        model="dreamina-seedance-2-0-260128",
        provider=celeste.Provider.BYTEPLUS,
        api_key="key-one",
        base_url=f"{url}/seedance@intl",
    )


CLIENTS = {
    "openai": openai, "volcengine-ark-runtime": volcengine, "dashscope": dashscope, "fal-client": fal,
    "replicate": replicate, "litellm": litellm, "genblaze-core": genblaze, "celeste-ai": celeste,
}  # fmt: skip


def main() -> None:
    """Say when ready, then what came of each create."""
    answers, sys.stdout = sys.stdout, sys.stderr  # some of them print
    create = CLIENTS[sys.argv[1]](sys.argv[2])
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for _ in sys.stdin:
        try:
            said, more = "accepted", str(create())[:80]
        except Exception as problem:  # whatever its caller would see
            said, more = "error", f"{type(problem).__name__}: {problem}"[:200]
        print(json.dumps({"said": said, "more": more}), file=answers, flush=True)


if __name__ == "__main__":
    main()
