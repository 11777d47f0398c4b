"""Where vendors may call: a public address, and a word in it that strangers cannot guess.

Not every vendor signs its callbacks, so the address itself is the proof: it holds a random word of this home.
"""

import os
import secrets
from dataclasses import dataclass
from functools import cached_property
from hmac import compare_digest
from pathlib import Path

from dramagen.errors import ConfigError
from dramagen.store.durable import PRIVATE_FILE, private_folder

FILE = "callback-word"
PREFIX = "cb-"
"""What the word begins with: by this it is kept out of logs and errors (:mod:`dramagen.redact`)."""


@dataclass(frozen=True)
class CallbackAddress:
    """The public address of ``dramagen.webhooks.app``, if one is configured, with a home's word in it.

    The word is made when it is first needed and then kept in the home; that blocks, and raises ``ConfigError``
    where it cannot be read or written.
    """

    home: Path
    base: str | None

    def url(self, provider: str, region: str, base: str | None = None) -> str | None:
        """What that vendor is told, if anything. ``base``: an earlier address, in place of the configured one."""
        base = base or self.base
        return f"{base}/{self.word}/{provider}/{region}" if base else None

    def knows(self, word: str) -> bool:
        """Whether that is this home's word, taking the same time whatever it is."""
        return self.base is not None and compare_digest(word.encode(), self.word.encode())

    @cached_property
    def word(self) -> str:
        """The secret of this home's addresses."""
        path = self.home / FILE
        try:
            if not path.exists():
                _make(path)
            word = path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise ConfigError(f"{path} cannot be read or written: {problem}") from None
        if not (word.startswith(PREFIX) and len(word) >= len(PREFIX) + 32):
            raise ConfigError(f"{path} holds no word of dramagen's: delete it, and a new one is made")
        return word


def _make(path: Path) -> None:
    """Written whole under another name first: of several processes the first one's word is everybody's."""
    draft = private_folder(path.parent) / f"{path.name}.{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        os.write(descriptor, f"{PREFIX}{secrets.token_hex(16)}\n".encode())
        os.fsync(descriptor)
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        os.close(descriptor)
        draft.unlink()
