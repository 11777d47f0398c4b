"""Take secrets out of text before it can reach a log, an error, a repr, a trace or the disk."""

import re

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # A signed URL is a key to the file behind it: everything after '?' goes, and user:password@ too.
    (re.compile(r"(https?://)[^\s/@\"'<>]+@"), r"\1"),
    (re.compile(r"(https?://[^\s?#\"'<>\\]+)\?[^\s\"'<>\\]*"), r"\1?…"),
    (re.compile(r"(?i)\b(bearer|basic|token|key)\s+[A-Za-z0-9._~+/=:-]{8,}"), r"\1 …"),
    (
        re.compile(
            r"(?i)(\"?(?:api[-_]?key|secret|access[-_]?key|authorization|password)\"?\s*[:=]\s*\"?)[^\s\",}]{4,}"
        ),
        r"\1…",
    ),
    (re.compile(r"\b(?:sk|ak|api-key|whsec|r8|Bearer)[-_][A-Za-z0-9_-]{12,}"), "…"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+"), "…"),
    # Inline media is not secret, but a megabyte of base64 helps nobody.
    (re.compile(r"(data:[\w/+.-]+;base64,)?[A-Za-z0-9+/]{200,}={0,2}"), "…(base64)…"),
)


def redact(text: str, *secrets: str, limit: int = 2000) -> str:
    """``text`` without keys, tokens, signed-URL queries and inline media, cut to ``limit`` characters.

    ``secrets`` are values known to be secret, wherever they stand in the text.
    """
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, "…")
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text if len(text) <= limit else text[: limit - 1] + "…"
