"""No secret in what the HTTP libraries log: they log whole URLs, and a signed one is a secret."""

import logging

from dramagen.redact import redact


class _Redacting(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        return True


_FILTER = _Redacting()

_LOGGERS = [
    f"{library}{part}"
    for library in ("httpx", "httpx2", "httpcore", "httpcore2")
    for part in ("", ".connection", ".http11", ".http2", ".proxy", ".socks")
]


def silence() -> None:
    """Have every logger of theirs hide secrets. Harmless to repeat."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if _FILTER not in logger.filters:
            logger.addFilter(_FILTER)
