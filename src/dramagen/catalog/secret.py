"""A credential, kept out of every repr, log and file."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """A credential. Never shown: its repr is empty, and only ``sign`` and ``receive`` read it.

    ``key`` is an API key; ``access`` and ``secret`` a key pair; ``webhook`` the signing secret of callbacks.
    """

    key: str | None = field(default=None, repr=False)
    access: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    webhook: tuple[str, ...] = field(default=(), repr=False)

    def values(self) -> tuple[str, ...]:
        """Every secret string, for redaction."""
        return tuple(v for v in (self.key, self.access, self.secret, *self.webhook) if v)
