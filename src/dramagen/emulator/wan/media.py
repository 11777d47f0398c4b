"""What a create names: public URLs, data URIs, and files put up to the emulator's own object store."""

import base64
import binascii
from typing import Any
from urllib.parse import parse_qs, urlsplit

from dramagen.emulator.pixels import Size, film_seconds, picture_size
from dramagen.emulator.state import Account
from dramagen.emulator.wan.errors import invalid
from dramagen.emulator.wan.models import Model
from dramagen.emulator.wan.uploads import Upload
from dramagen.emulator.world import Call


class Desk:
    """Looks at the media of one create."""

    def __init__(self, call: Call, account: Account, model: Model) -> None:
        self._call = call
        self._account = account
        self._model = model
        self._resolved = call.request.headers.get("x-dashscope-ossresourceresolve") == "enable"

    def picture(self, url: Any, name: str) -> Size | None:
        """The size of a picture, None where it is not known; raises ``Refusal``."""
        data = self._data(url, name, "image/")
        size = None if data is None else picture_size(data)
        if data is not None and size is None and self._call.options.image_check == "strict":
            raise invalid(f"{name}: the picture can not be read", "InvalidFile.Format")
        if size is not None and (min(size) < 240 or max(size) > 8000 or not 1 / 8 <= size.ratio <= 8):
            raise invalid(f"{name}: sides of 240 to 8000 pixels and a ratio of 1:8 to 8:1 are required",
                          "InvalidFile.Resolution")  # fmt: skip
        return size

    def film(self, url: Any, name: str) -> float:
        """The seconds of a video: of a URL what ``?seconds=`` says. Data URIs are not documented for videos."""
        if isinstance(url, str) and url.startswith("data:"):
            raise invalid(f"{name}: url error, please check url!", "InvalidURL")
        data = self._data(url, name, "video/")
        usual = float(self._call.options.reference_video_seconds)
        if data is not None:
            return film_seconds(data) or usual
        try:
            return float(parse_qs(urlsplit(url).query)["seconds"][0])
        except (KeyError, ValueError):
            return usual

    def sound(self, url: Any, name: str) -> None:
        """A sound; data URIs of sounds are not documented. Raises ``Refusal``."""
        if isinstance(url, str) and url.startswith("data:"):
            raise invalid(f"{name}: url error, please check url!", "InvalidURL")
        self._data(url, name, "audio/")

    def _data(self, url: Any, name: str, kind: str) -> bytes | None:
        if not isinstance(url, str) or not url:
            raise invalid(f"{name}: a url is required")
        if url.startswith("data:"):
            return self._inlined(url, name, kind)
        parts = urlsplit(url)
        if parts.scheme == "oss":
            return self._put_up(url.removeprefix("oss://"), name).data
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise invalid(f"{name}: url error, please check url!", "InvalidURL")
        if "unfetchable" in url:
            raise invalid(f"{name}: download the media resource timed out", "InvalidParameter.DataInspection")
        return None

    def _inlined(self, url: str, name: str, kind: str) -> bytes:
        if not self._model.inline and self._call.options.data_uris == "documented":
            raise invalid(f"{name}: url error, please check url!", "InvalidURL")
        head, _, text = url.partition(",")
        if not head.startswith(f"data:{kind}") or not head.endswith(";base64"):
            raise invalid(f"{name}: not a data URI of {kind}*", "InvalidURL")
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            raise invalid(f"{name}: not base64", "InvalidURL") from None

    def _put_up(self, key: str, name: str) -> Upload:
        if not self._resolved:
            raise invalid(f"{name}: url error, please check url!", "InvalidURL")
        found: Upload | None = self._account.seen.get("uploads", {}).get(key)
        if found is None or self._call.now >= found.expires or found.model != self._model.id:
            raise invalid(f"{name}: the file does not exist or is not this model's", "InvalidURL")
        return found
