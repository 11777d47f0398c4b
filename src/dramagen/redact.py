"""Take secrets out of text before it can reach a log, an error, a repr, a trace or the disk."""

import re
from urllib.parse import quote

# '//' as it stands in a URL, or escaped in JSON as some servers write it.
_SLASHES = r"(?:\\?/){2}"

_NAMES = (
    r"(?:api|access|secret|private|auth|account)[-_]?key(?:[-_]?(?:id|secret))?"
    r"|(?:access|auth|api|refresh|session|security)[-_]?token"
    r"|secret|token|authorization|password|passwd|signature|credential|\bsig|\bsign"
)

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # A signed URL is a key to the file behind it: everything after '?' or '#' goes, and user:password@ too.
    (re.compile(rf"(?i)\b([a-z][a-z0-9+.-]{{0,20}}:{_SLASHES})[^\s/\\\"'<>]+@"), r"\1"),
    (
        # The length is bounded so that hostile text costs no time.
        # Go writes '&' as \u0026 inside JSON, so a backslash that escapes no quote belongs to the URL.
        re.compile(
            rf"(?i)\b([a-z][a-z0-9+.-]{{0,20}}:{_SLASHES}[^\s?#\"'<>]{{1,4000}}+)[?#](?:[^\s\"'<>\\]|\\(?![\"']))+"
        ),
        r"\1?…",
    ),
    # A word of the language has no digit; a credential nearly always has one, or is long.
    (
        re.compile(r"(?i)\b(bearer|basic|token|key)\s+(?=\S*\d|\S{24})[A-Za-z0-9._~+/=:-]{8,}"),
        r"\1 …",
    ),
    (re.compile(rf"(?i)((?:{_NAMES})[\\\"']*\s*(?:[:=]|%3d)\s*[\\\"']*)[^\s\"',}}&\\]{{4,}}"), r"\1…"),
    (re.compile(r"\b(?:sk|ak|api-key|whsec|r8|Bearer)[-_][A-Za-z0-9_+/=-]{12,}"), "…"),
    # The secret word in the address vendors call.
    (re.compile(r"\bcb-[0-9a-f]{32}\b"), "…"),
    # Access key ids of Volcano Engine, AWS and Alibaba Cloud.
    (re.compile(r"\b(?:AKLT|AKIA|LTAI)[A-Za-z0-9+/=_-]{12,}"), "…"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), "…"),
    # Inline media is not secret, but a megabyte of base64 helps nobody.
    (re.compile(r"(data:[\w/+.-]+;base64,)?[A-Za-z0-9+/]{200,}={0,2}"), "…(base64)…"),
)


def redact(text: str, *secrets: str, limit: int = 2000) -> str:
    """``text`` without keys, tokens, signed-URL queries and inline media, cut to ``limit`` characters.

    ``secrets`` are values known to be secret, wherever they stand in the text, also percent-encoded.
    """
    # Longest first: where one secret begins with another, no tail is left behind.
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= 4:
            text = text.replace(secret, "…").replace(quote(secret, safe=""), "…")
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text if len(text) <= limit else text[: limit - 1] + "…"
