"""What a judge may cost, reckoned before it is asked, and the purse that holds it to that."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from io import BytesIO

from dramagen.bench.filming import SHORT_SIDES
from dramagen.bench.judge_client import LONGEST
from dramagen.bench.judging import Usage
from dramagen.errors import BudgetExceeded, DramagenError
from dramagen.media.check import parse_ratio
from dramagen.medium import Image
from dramagen.money import Money
from dramagen.shot import Shot

MILLION = Decimal(1_000_000)

PATCH = 28
"""Pixels of the side of a square that counts as a token: the way of Qwen2.5-VL (Alibaba Cloud Model Studio, "Qwen
VL", as others quote it on 2026-11-23), whose successors take 32. A model may count otherwise: hence the purse."""
AROUND = 16
"""Tokens around each picture or piece of text: its place in the message, and the second a frame is from."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens cost, sent and received."""

    sent: Money
    received: Money

    def of(self, usage: Usage) -> Money:
        """What so many tokens cost."""
        return self.sent * (usage.sent / MILLION) + self.received * (usage.received / MILLION)


@dataclass(frozen=True, slots=True)
class Ahead:
    """Questions that are still to be asked, and the most tokens they are reckoned to take."""

    calls: int
    usage: Usage

    def most(self, prices: Prices) -> Money:
        """What they cost at most, rounded up to 0.01."""
        cost = prices.of(self.usage)
        return Money(cost.amount.quantize(Decimal("0.01"), ROUND_CEILING), cost.currency)


def tokens(words: str, shot: Shot, frames: int, given: int = 0) -> Usage:
    """The most one question is reckoned to take: every byte of its words a token, every picture by its size.

    Args:
        frames: pictures of a take, as large as the shot is ordered.
        given: tokens of the pictures that go with it, of :func:`tokens_of`.
    """
    pictures = frames * (_frame(shot) + AROUND)
    return Usage(len(words.encode()) + AROUND + pictures + given, LONGEST)


def tokens_of(image: Image) -> int:
    """The most tokens a picture that was given is reckoned to take. Reads the file."""
    from PIL import Image as Picture

    with Picture.open(BytesIO(image.read())) as picture:
        return _patches(picture.width, picture.height) + AROUND


def _frame(shot: Shot) -> int:
    short, ratio = SHORT_SIDES[shot.resolution], parse_ratio(shot.aspect_ratio)
    return _patches(short, round(short * max(ratio, 1 / ratio)))


def _patches(width: int, height: int) -> int:
    return -(-width // PATCH) * -(-height // PATCH)


class Purse:
    """Pays for questions, and for none that might pass the most. Not for threads."""

    def __init__(self, prices: Prices | None, most: Money | None) -> None:
        self._prices, self._most = prices, most
        self._counted, self._asked = Usage(), Usage()

    @contextmanager
    def asking(self, reckoned: Usage) -> Iterator["Purse"]:
        """While a question is asked; what it took is told to :meth:`took`.

        Raises ``BudgetExceeded``, and it is not asked, where it might cost more than was agreed to.
        """
        if self._prices is not None and self._most is not None:
            cost = self._prices.of(self._counted + self._asked + reckoned)
            if cost.amount > self._most.amount:
                have = self._prices.of(self._counted).rounded()
                raise BudgetExceeded(
                    f"not asked: the judge has cost {have} of the {self._most} it may cost, counting its pictures "
                    "higher than was reckoned; run again to go on"
                )
        self._asked += reckoned
        try:
            yield self
        except DramagenError as error:
            if error.billed is not False:
                self._counted += reckoned  # an answer that was none may be on the bill
            raise
        finally:
            self._asked = self._asked - reckoned

    def took(self, usage: Usage) -> None:
        """A question was answered."""
        self._counted += usage
