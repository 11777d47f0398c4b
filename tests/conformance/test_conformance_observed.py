"""Requests as official and public clients sent them, and as the vendors' pages print them, replayed as they stand.

The clients were recorded against a local server on 2026-11-22, the pages read up to that day; only keys, prompts and
hosts of media are replaced. ``{id}`` is the job the row before made. Not replayed, and why:

- vidu-mcp's ``vidu2.0``, sent but refused: no page read prices it, and the emulator sells nothing it cannot bill. The
  same request for ``viduq1`` is taken.
- Kling with a key pair: its token holds the time of sending; the body is replayed with an API key. Kling elements 172
  and 173: nobody made them here.
- OpenAI remixes, edits, extensions and characters, and Azure's paths: nothing here makes video from those.
- LightX2V, ComfyUI, OpenRouter, Runway: protocols of their own that nothing here speaks.
- Kling's subtitles, lip sync and billing export; MiniMax's templates and regeneration; Vidu's multiframe and extend:
  no Shot becomes such a request.
- Webhooks: those are sent by the vendor.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from dramagen.emulator import Handle, ManualClock

pytestmark = pytest.mark.conformance

ARK = "/api/v3/contents/generations/tasks"
WAN = "/api/v1/services/aigc/video-generation/video-synthesis"
ASYNC = {"X-DashScope-Async": "enable"}
A, B, END = "https://example.com/a.png", "https://example.com/b.png", "https://example.com/end.png"
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAtAAAAUACAIAAAB="


@dataclass(frozen=True)
class Sent:
    """One request under a vendor's path; ``body`` goes as JSON, ``form`` as multipart, in its order."""

    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    form: dict[str, str | tuple[str, bytes, str]] = field(default_factory=dict)
    status: int = 200
    after: float = 0
    """Virtual seconds that pass before it."""


@dataclass(frozen=True)
class Talk:
    """A vendor (a place of the emulator), who spoke, and what was sent, in order."""

    place: str
    who: str
    sent: tuple[Sent, ...]
    settings: dict[str, Any] = field(default_factory=dict)


def post(path: str, body: Any = None, /, **more: Any) -> Sent:
    return Sent("POST", path, body, **more)


def get(path: str, /, **more: Any) -> Sent:
    return Sent("GET", path, **more)


SDK_FIELDS = (
    "safety_identifier", "callback_url", "return_last_frame", "service_tier", "execution_expires_after", "priority",
    "generate_audio", "draft", "camera_fixed", "watermark", "seed", "resolution", "ratio", "duration", "frames",
    "tools", "output_format", "omni_reference_task_type",
)  # fmt: skip
CAT = [{"type": "text", "text": "a cat"}]

SEEDANCE = (
    Talk("seedance", "volcengine-ark-runtime 5.0.54", (
        post(ARK, {"model": "doubao-seedance-2-0-260128", "content": CAT, **dict.fromkeys(SDK_FIELDS)},
             headers={"User-Agent": "volc-sdk-python/1.0.0",
                      "X-Client-Request-Id": "20261122120000abcdefghij0123456789"}),
        get(ARK + "/{id}", headers={"Accept": "application/json"}),
        get(ARK + "?page_num=1&page_size=2&filter.status=queued&filter.model=ep-1&filter.service_tier=flex"
            "&filter.task_ids=t1&filter.task_ids=t2"),
        Sent("DELETE", ARK + "/{id}", {}, after=400),
    )),
    Talk("seedance", "the page: text", (
        post(ARK, {"model": "doubao-seedance-2-0-260128",
                   "content": [{"type": "text", "text": "雨夜，女主推门而入，镜头缓慢推近。她说：\"你终于来了。\""}],
                   "resolution": "720p", "ratio": "9:16", "duration": 5, "generate_audio": True, "watermark": False,
                   "seed": 417203, "execution_expires_after": 7200}),
        get(ARK + "/{id}", after=400),
    )),
    Talk("seedance@intl", "the page: first and last frame on 2.5", (
        post(ARK, {"model": "dreamina-seedance-2-5-260628",
                   "content": [{"type": "text", "text": "She turns and walks to the window."},
                               {"type": "image_url", "image_url": {"url": A}, "role": "first_frame"},
                               {"type": "image_url", "image_url": {"url": B}, "role": "last_frame"}],
                   "resolution": "720p", "duration": 6, "generate_audio": False, "return_last_frame": True}),
        get(ARK + "/{id}", after=400),
    )),
    Talk("seedance", "the page: 1080p is not for the fast model", (
        post(ARK, {"model": "doubao-seedance-2-0-fast-260128", "content": CAT, "resolution": "1080p"}, status=400),
    )),
    Talk("seedance", "a probe that costs nothing", (
        post(ARK, {"model": "doubao-seedance-2-0-260128"}, status=400),
    )),
)  # fmt: skip

WAN_BODY = {
    "model": "wan3.0-video",
    "parameters": {"audio": False, "duration": 5, "seed": 7, "prompt_extend": False, "watermark": False,
                   "resolution": "480P", "ratio": "9:16"},
    "input": {"prompt": "a cat", "extend_prompt": True, "function": "video-synthesis"},
}  # fmt: skip
WAN_HEADERS = ASYNC | {
    "Content-Type": "application/json; charset=utf-8",
    "Accept": "application/json; charset=utf-8",
    "User-Agent": "dashscope/2.0.2; python/3.11.7; platform/Linux; processor/",
    "x-dashscope-sdk-client": "python-sdk/2.0.2/aigc",
    "x-dashscope-sdk-session-id": "0" * 32,
    "X-DashScope-WorkSpace": "ws-1",
}
WANS = (
    Talk("wan", "dashscope 2.0.2, VideoSynthesis", (
        post(WAN, WAN_BODY, headers=WAN_HEADERS),
        post("/api/v1/tasks/{id}/cancel", headers={"Content-Length": "0"}),
        get("/api/v1/tasks/{id}"),
        get("/api/v1/tasks?page_no=1&page_size=10&start_time=20261118000000&end_time=20261118235900"
            "&model_name=wan3.0-video&api_key_id=1&region=cn-beijing&status=SUCCEEDED"),
        get("/api/v1/uploads?action=getPolicy&model=wan3.0-video"),
    ), {"wan": {"concurrency": 0}}),
    Talk("wan", "dashscope 2.0.2, AioVideoSynthesis", (
        post(WAN, WAN_BODY, headers=WAN_HEADERS),
        get("/api/v1/tasks/{id}/"),
        post("/api/v1/tasks/{id}/cancel/", {"model": "", "parameters": {}, "input": ""}),
    ), {"wan": {"concurrency": 0}}),
    Talk("wan", "dashscope 2.0.2, a kf2v model", (
        post("/api/v1/services/aigc/image2video/video-synthesis",
             {"model": "wan2.2-kf2v-flash", "parameters": {},
              "input": {"prompt": "x", "extend_prompt": True, "function": "video-synthesis",
                        "first_frame_url": A, "last_frame_url": B}}, headers=WAN_HEADERS),
    )),
    Talk("wan", "dashscope 2.0.2, Client", (
        post(WAN, {"model": "wan3.0-video", "input": {"prompt": "a cat"}, "parameters": {"resolution": "480P"}},
             headers=ASYNC | {"User-Agent": "dashscope-v2-python/2.0.2",
                              "x-dashscope-sdk-client": "python-sdk/2.0.2/aigc2"}),
    )),
    Talk("wan", "the page: wan3 text", (
        post(WAN, {"model": "wan3.0-video", "input": {"prompt": "雨夜街道，少女转身看向镜头，中近景，缓慢推进。"},
                   "parameters": {"resolution": "480P", "ratio": "9:16", "duration": 5, "audio": True,
                                  "prompt_extend": True, "watermark": False, "seed": 42}}, headers=ASYNC),
        get("/api/v1/tasks/{id}", after=400),
        get("/api/v1/tasks/?model_name=wan3.0-video&start_time=20261118000000&end_time=20261118100100"),
    )),
    Talk("wan", "the page: wan2.7 first and last frame", (
        post(WAN, {"model": "wan2.7-i2v",
                   "input": {"prompt": "她推门而入", "media": [{"type": "first_frame", "url": A},
                                                          {"type": "last_frame", "url": B}]},
                   "parameters": {"resolution": "720P", "duration": 8, "prompt_extend": False, "watermark": False,
                                  "seed": 7}}, headers=ASYNC),
        get("/api/v1/tasks/{id}", after=400),
    )),
    Talk("wan", "the page: synchronous", (post(WAN, WAN_BODY, status=403),)),
)  # fmt: skip

MCP = {"MM-API-Source": "Minimax-MCP", "Content-Type": "application/json"}
MMX = {"User-Agent": "mmx-cli/1.0.27"}
OLD, NEW = "/v1/video_generation", "/v2/video_generation"
FACE = [{"type": "character", "image": [A]}]
REFERENCES = [
    {"type": "text", "text": "keep her"},
    {"type": "image_url", "image_url": {"url": A}, "role": "reference_image"},
]
FRAMES = [
    {"type": "text", "text": "雨夜，女主推开门，抬头。(S1) 你终于来了。"},
    {"type": "image_url", "image_url": {"url": A}, "role": "first_frame"},
    {"type": "image_url", "image_url": {"url": B}, "role": "last_frame"},
]
HAILUO = (
    Talk("hailuo", "minimax-mcp 0.0.19", (
        post(OLD, {"model": "MiniMax-Hailuo-2.3", "prompt": "a cat", "duration": 6, "resolution": "768P"},
             headers=MCP),
        get("/v1/query/video_generation?task_id={id}", headers=MCP, after=600),
        get("/v1/files/retrieve?file_id={file_id}", headers=MCP),
    )),
    Talk("hailuo", "mmx-cli 1.0.27: text", (
        post(OLD, {"model": "MiniMax-Hailuo-2.3", "prompt": "a cat"}, headers=MMX),
    )),
    Talk("hailuo", "mmx-cli 1.0.27: first and last frame", (
        post(OLD, {"model": "MiniMax-Hailuo-02", "prompt": "walk", "first_frame_image": A, "last_frame_image": B},
             headers=MMX),
    )),
    Talk("hailuo", "mmx-cli 1.0.27: a subject", (
        post(OLD, {"model": "S2V-01", "prompt": "a detective", "subject_reference": FACE}, headers=MMX),
    )),
    Talk("hailuo", "mmx-cli 1.0.27: H3", (
        post(NEW, {"model": "MiniMax-H3", "content": CAT, "resolution": "2K", "duration": 5, "ratio": "9:16"},
             headers=MMX),
        get("/v2/query/video_generation/{id}", headers=MMX),
        get("/account/query_balance", headers=MMX),
    )),
    Talk("hailuo", "mmx-cli 1.0.27: H3 with references", (
        post(NEW, {"model": "MiniMax-H3", "content": REFERENCES, "resolution": "2K", "duration": 5,
                   "ratio": "adaptive"}, headers=MMX),
    )),
    Talk("hailuo", "the page: H3 first and last frame, cancelled while it waits", (
        post(NEW, {"model": "MiniMax-H3", "content": FRAMES, "resolution": "768P", "duration": 6,
                   "ratio": "adaptive"}),
        Sent("DELETE", NEW + "/{id}"),
    )),
    Talk("hailuo", "the page: V1 first frame", (
        post(OLD, {"model": "MiniMax-Hailuo-2.3-Fast",
                   "prompt": "she turns to camera [Push in], then holds [Static shot]", "first_frame_image": A,
                   "duration": 6, "resolution": "768P", "prompt_optimizer": False}),
    )),
)  # fmt: skip

VIDU_ALL = {"duration": 5, "seed": 0, "resolution": "1080p", "movement_amplitude": "auto", "bgm": False}
VIDU_DONE = get("/ent/v2/tasks/{id}/creations", after=600)
LIN = {"name": "林晚", "images": [A, B]}
SHEN = {"name": "沈舟", "images": [END]}
VIDU = (
    Talk("vidu", "vidu-mcp 0.1.2: text", (
        post("/ent/v2/text2video",
             {"model": "viduq1", "style": "general", "prompt": "a cat", "aspect_ratio": "16:9", **VIDU_ALL}),
        VIDU_DONE,
    )),
    Talk("vidu", "vidu-mcp 0.1.2: one picture", (
        post("/ent/v2/img2video", {"model": "viduq1", "images": [A], "prompt": "a cat", **VIDU_ALL}), VIDU_DONE,
    )),
    Talk("vidu", "vidu-mcp 0.1.2: start and end", (
        post("/ent/v2/start-end2video", {"model": "viduq1", "images": [A, B], "prompt": "a cat", **VIDU_ALL}),
        VIDU_DONE,
    )),
    Talk("vidu", "vidu-mcp 0.1.2: references", (
        post("/ent/v2/reference2video",
             {"model": "vidu2.0", "images": [A, B], "prompt": "a cat", "aspect_ratio": "16:9", **VIDU_ALL,
              "duration": 4, "resolution": "720p"}, status=400),
        post("/ent/v2/reference2video",
             {"model": "viduq1", "images": [A, B], "prompt": "a cat", "aspect_ratio": "16:9", **VIDU_ALL}),
        VIDU_DONE,
    )),
    Talk("vidu", "the page: named subjects", (
        post("/ent/v2/reference2video",
             {"model": "viduq3-turbo", "subjects": [LIN, SHEN],
              "prompt": "@林晚 把伞递给 @沈舟，雨夜街口，中景，缓慢推近", "duration": 6, "resolution": "720p",
              "aspect_ratio": "9:16", "audio": True, "audio_type": "all", "seed": 18427, "off_peak": False,
              "payload": "shot-014#a1"}),
        VIDU_DONE,
        get("/ent/v2/tasks?created_at.from=2026-11-18T00:00:00Z&pager.page=0&pager.pagesz=100"),
        get("/ent/v2/credits"),
    )),
    Talk("vidu", "the page: Q4's first frame", (
        post("/ent/v2/img2video",
             {"model": "viduq4-preview", "images": [PIXEL], "prompt": "a cat", "duration": 5, "resolution": "1080p",
              "audio": True, "is_rec": False, "payload": "shot-015#a1"}),
    )),
    Talk("vidu", "the page: cancel", (
        post("/ent/v2/text2video", {"model": "viduq3-turbo", "prompt": "a cat", "duration": 5, "off_peak": True}),
        post("/ent/v2/tasks/{id}/cancel", {"id": "{id}"}),
    )),
    Talk("vidu", "a probe that costs nothing", (get("/ent/v2/tasks/0/creations", status=404),)),
)  # fmt: skip

SHOTS = [{"index": 1, "prompt": "a", "duration": "2"}, {"index": 2, "prompt": "b", "duration": "3"}]
TEXT, IMAGE = "/v1/videos/text2video", "/v1/videos/image2video"
KLING = (
    Talk("kling", "@ai-sdk/klingai 4.0.31: text", (
        post(TEXT, {"model_name": "kling-v3", "prompt": "A girl turns to camera", "sound": "on", "mode": "std",
                    "aspect_ratio": "9:16", "duration": "5", "multi_shot": True, "shot_type": "customize",
                    "multi_prompt": SHOTS, "watermark_info": {"enabled": False}, "external_task_id": "ext-1"},
             headers={"User-Agent": "ai-sdk/klingai/4.0.31 ai-sdk/provider-utils/5.0.29 runtime/node.js/v20.20.2"}),
        get(TEXT + "/{id}", after=400),
    )),
    Talk("kling", "@ai-sdk/klingai 4.0.31: first and last frame", (
        post(IMAGE, {"model_name": "kling-v2-5-turbo", "prompt": "A girl turns to camera", "image": "iVBORwECAwQ=",
                     "image_tail": END, "mode": "pro", "duration": "10", "callback_url": "https://example.com/cb"}),
    ), {"kling": {"callbacks": "never"}}),
    Talk("kling", "klingai-api 0.1.0", (
        get("/account/costs?start_time=1794999999000&end_time=1795000000000"),
        post(TEXT, {"model_name": "kling-v2-6", "prompt": "A girl turns", "mode": "pro", "aspect_ratio": "16:9",
                    "duration": "5", "external_task_id": "ext-2"}),
        get(TEXT + "/{id}"),
        get(TEXT + "?pageNum=1&pageSize=30"),
        post(IMAGE, {"model_name": "kling-v2-5-turbo", "image": "aGVsbG8=", "mode": "pro", "aspect_ratio": "16:9",
                     "duration": "10", "image_tail": END, "prompt": "move"}),
    )),
    Talk("kling", "kling-api 1.0.0", (
        post(TEXT, {"model_name": "kling-v2-6", "prompt": "A girl turns", "sound": "on", "mode": "pro",
                    "aspect_ratio": "9:16", "duration": "5", "external_task_id": "ext-3"}),
    )),
    Talk("kling", "the page: text on 3.0, polled and looked up", (
        post("/text-to-video/kling-3.0",
             {"prompt": "雨夜,女主推门而入,镜头缓慢推近",
              "settings": {"multi_shot": False, "audio": "off", "resolution": "1080p", "aspect_ratio": "9:16",
                           "duration": 5},
              "options": {"external_task_id": "ep01-s03-t1", "watermark_info": {"enabled": False}}}),
        get("/tasks?task_ids={id}"),
        get("/tasks?external_task_ids=ep01-s03-t1"),
    )),
    Talk("kling", "the page: first and last frame on 3.0", (
        post("/image-to-video/kling-3.0",
             {"contents": [{"type": "prompt", "text": "lin 抬头看向 gu"},
                           {"type": "first_frame", "url": "iVBORw0KGgo="}, {"type": "last_frame", "url": B}],
              "settings": {"multi_shot": False, "audio": "native", "resolution": "720p", "duration": 8},
              "options": {"external_task_id": "ep01-s04-t2"}}),
    )),
    Talk("kling", "the page: legacy first and last frame", (
        post(IMAGE, {"model_name": "kling-v2-5-turbo", "mode": "pro", "duration": "5", "prompt": "..",
                     "image": "iVBORw0KGgo=", "image_tail": B, "external_task_id": "ep01-s05-t1"}),
        get(IMAGE + "/{id}", after=400),
    )),
)  # fmt: skip

OPENAI = {"User-Agent": "OpenAI/Python 3.54.0", "x-stainless-retry-count": "0", "x-stainless-lang": "python"}
POLL = {"X-Stainless-Poll-Helper": "true", "X-Stainless-Custom-Poll-Interval": "1000"}
FRAME = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
    + (720).to_bytes(4)
    + (1280).to_bytes(4)
    + b"\x08\x00\x00\x00\x00\0\0\0\0"
)
SORA = (
    Talk("sora", "openai 3.54.0", (
        post("/v1/videos", form={"prompt": "雨夜", "model": "sora-2", "seconds": "8", "size": "720x1280"},
             headers=OPENAI),
        get("/v1/videos/{id}", headers=OPENAI | POLL, after=400),
        get("/v1/videos?limit=1&order=desc", headers=OPENAI),
        get("/v1/videos/{id}/content?variant=thumbnail", headers=OPENAI | {"Accept": "application/binary"}),
        get("/v1/videos/{id}/content", headers=OPENAI | {"Accept": "application/binary"}),
        Sent("DELETE", "/v1/videos/{id}", headers=OPENAI | {"content-type": "application/json"}),
    )),
    Talk("sora", "openai 3.54.0: a first frame", (
        post("/v1/videos", form={"prompt": "雨夜", "size": "720x1280",
                                 "input_reference": ("f.png", FRAME, "image/png")}, headers=OPENAI),
    )),
    Talk("sora", "openai 3.54.0: its way to send JSON", (
        post("/v1/videos", {"prompt": "a cat", "model": "sora-2", "seconds": "4", "size": "1280x720"},
             headers=OPENAI),
    )),
    Talk("selfhosted", "SGLang 0.5.23", (
        post("/v1/videos", {"prompt": "a girl turns", "size": "832x480", "fps": 16, "num_frames": 81, "seed": 1,
                            "reference_url": A}),
        get("/v1/videos/{id}", after=400),
        get("/v1/videos/{id}/content"),
    ), {"selfhosted": {"profile": "sglang"}}),
    Talk("selfhosted", "vLLM-Omni 0.30.0", (
        post("/v1/videos", form={"prompt": "a girl turns", "seconds": "5", "fps": "16", "num_frames": "81",
                                 "size": "832x480", "input_reference": ("a.png", FRAME, "image/png")}),
        get("/v1/videos/{id}", after=400),
        get("/v1/videos/{id}/content"),
    ), {"selfhosted": {"profile": "vllm-omni"}}),
)  # fmt: skip

FAL = {"User-Agent": "fal-client/1.0.3 (python)"}
REPLICATE = {"User-Agent": "replicate-python/1.0.7"}
ENDPOINT = "/fal-ai/kling-video/v2.6/pro/text-to-video"
AGGREGATORS = (
    Talk("fal", "fal-client 1.0.3", (
        post(ENDPOINT, {"prompt": "雨夜", "duration": "5"}, headers=FAL | {"X-Fal-Request-Timeout": "20.0"}),
        get("/fal-ai/kling-video/requests/{id}/status?logs=false", headers=FAL, after=400),
        get("/fal-ai/kling-video/requests/{id}", headers=FAL),
        post("/storage/auth/token?storage_type=fal-cdn-v3", {}, headers=FAL),
        post("/storage/upload/initiate?storage_type=gcs", {"file_name": "a.png", "content_type": "image/png"},
             headers=FAL),
    )),
    Talk("replicate", "replicate 1.0.7", (
        post("/v1/models/kwaivgi/kling-v3-video/predictions", {"input": {"prompt": "a cat", "duration": 5}},
             headers=REPLICATE, status=201),
        get("/v1/predictions/{id}", headers=REPLICATE, after=400),
        post("/v1/predictions/{id}/cancel", headers=REPLICATE),
    )),
)  # fmt: skip

SCHEMES = {"vidu": "Token", "fal": "Key"}


def names(answer: Any) -> dict[str, str]:
    """The job an answer speaks of, and its file, wherever the vendor puts them."""
    if isinstance(answer, list):
        answer = answer[0] if answer else {}
    if not isinstance(answer, dict):
        return {}
    inner = next((answer[key] for key in ("output", "data", "task") if answer.get(key)), None)
    found = names(inner)
    for key in ("task_id", "id", "request_id"):
        if "id" not in found and isinstance(answer.get(key), str):
            found["id"] = answer[key]
    if "file_id" in answer:
        found["file_id"] = answer["file_id"]
    return found


@pytest.fixture
def send(vendors: Handle) -> Any:
    with httpx.Client(base_url=vendors.url, trust_env=False, verify=False, timeout=30) as client:
        yield client.request


@pytest.mark.parametrize(
    "talk",
    [*SEEDANCE, *WANS, *HAILUO, *VIDU, *KLING, *SORA, *AGGREGATORS],
    ids=lambda talk: f"{talk.place}: {talk.who}",
)
def test_accepted_as_sent(
    vendors: Handle, clock: ManualClock, send: Callable[..., httpx.Response], talk: Talk
) -> None:
    if talk.settings:
        vendors.settings(**talk.settings)
    known: dict[str, str] = {}
    scheme = SCHEMES.get(talk.place.partition("@")[0], "Bearer")
    made = 0
    for one in talk.sent:
        clock.advance(one.after)
        path = f"/{talk.place}{one.path}"
        for name, value in known.items():
            path = path.replace(f"{{{name}}}", value)
        body = {"id": known["id"]} if one.body == {"id": "{id}"} else one.body
        form = [
            (name, (None, value) if isinstance(value, str) else value) for name, value in one.form.items()
        ]
        answer = send(
            one.method, path, json=body, files=form or None,
            headers={"Authorization": f"{scheme} key-one", **one.headers},
        )  # fmt: skip
        assert answer.status_code == one.status, f"{one.method} {path}: {answer.text[:300]}"
        told = answer.json() if answer.headers["content-type"].startswith("application/json") else {}
        if one.status < 300:
            # The vendors that refuse inside a 200 have a code of their own for it.
            assert told.get("base_resp", {}).get("status_code", 0) == 0, told
            assert told.get("code", 0) == 0, told
        if one.method == "POST" and len(vendors.bill()) > made:
            made = len(vendors.bill())
            known = names(told)
        elif "file_id" in names(told):
            known["file_id"] = names(told)["file_id"]
    assert bool(made) == any(one.status < 300 and one.method == "POST" for one in talk.sent)
