"""What a caller asks of a studio, held against its types before anything is looked up, reserved or sent.

Programs are not always checked by a type checker, and a wrong value that is found only when a clip comes home has
been paid for.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dramagen.config import Budget, Per
from dramagen.errors import ConfigError, InvalidShot
from dramagen.money import Money
from dramagen.shot import Shot

if TYPE_CHECKING:
    from dramagen.catalog.load import Catalog

LAST_TAKE = 2**31 - 1
"""Takes are whole numbers of 32 bits in every journal."""
MOST_AT_ONCE = 1000
"""Takes of one shot side by side: each is planned and watched, and nobody looks through more."""

Caps = Budget | Money | str
"""A cap, or an amount that is one."""


def shots_of(shots: object) -> list[Shot]:
    """One shot or several as a list. Raises ``InvalidShot`` for anything else."""
    if isinstance(shots, Shot):
        return [shots]
    if isinstance(shots, (str, bytes)) or not isinstance(shots, Iterable):
        raise InvalidShot(f"{shots!r} is no Shot: write Shot(prompt=...)")
    return [checked_shot(shot) for shot in shots]


def checked_shot(shot: object) -> Shot:
    """The shot itself. Raises ``InvalidShot`` for anything else."""
    if not isinstance(shot, Shot):
        raise InvalidShot(f"{shot!r} is no Shot: write Shot(prompt=...)")
    return shot


def checked_take(take: object) -> int:
    """The number of a take. Raises ``InvalidShot`` unless it is a whole one from 1 on."""
    if not isinstance(take, int) or isinstance(take, bool) or not 1 <= take <= LAST_TAKE:
        raise InvalidShot(
            f"take = {take!r}: takes are counted from 1, in whole numbers",
            problems=[("take", repr(take), "1 or more")],
        )
    return take


def checked_count(n: object) -> int:
    """How many takes. Raises ``InvalidShot`` unless it is a whole number from 1 to :data:`MOST_AT_ONCE`."""
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= MOST_AT_ONCE:
        raise InvalidShot(
            f"{n!r} takes: ask for 1 to {MOST_AT_ONCE}", problems=[("n", repr(n), f"1 to {MOST_AT_ONCE}")]
        )
    return n


def checked_episode(episode: object) -> str | None:
    """What the ledger calls an episode. Raises ``ConfigError`` for what is no text, such as the episode itself."""
    if episode is not None and not isinstance(episode, str):
        raise ConfigError(f"episode = {episode!r}: say its title")
    return episode


def checked_until(until: object) -> None:
    """Whether that can be asked of a take. Raises ``ConfigError`` where it cannot be called."""
    if until is not None and not callable(until):
        raise ConfigError(
            f"until = {until!r}: give a function that is told each clip and says whether it is the one"
        )


def capped(budget: Caps | Sequence[Caps] | None, *, per: Per) -> tuple[Budget, ...]:
    """The caps of one call; an amount of money is one per ``per``. Raises ``ConfigError`` for what is no cap."""
    if budget is None:
        return ()
    if isinstance(budget, Sequence) and not isinstance(budget, str):
        return tuple(cap for each in budget for cap in capped(each, per=per))
    return (budget if isinstance(budget, Budget) else Budget(budget, per),)


def checked_across(shot: Shot, across: object, catalog: "Catalog") -> None:
    """Whether takes of the shot may be spread like that.

    Raises:
        ConfigError: it is neither ``"models"``, ``"seeds"``, None, nor a list of pins.
        InvalidShot: the shot is pinned, and one of the pins is met by routes its own pin does not allow.
        NoRoute: a pin means nothing.
    """
    if across is None or (isinstance(across, str) and across in ("models", "seeds")):
        return
    pins = list(across) if isinstance(across, Sequence) and not isinstance(across, (str, bytes)) else []
    if not (pins and all(isinstance(pin, str) for pin in pins)):
        raise ConfigError(f"across = {across!r}: say 'models', 'seeds', or a list of pins such as ['kling']")
    for pin in pins:
        if any(not route.satisfies(shot.pin) for route in catalog.matching(pin)):
            raise InvalidShot(
                f"the shot is pinned to {shot.pin}, and takes across {pin} might be filmed elsewhere: take its pin "
                "off, or name models it allows, such as provider/model"
            )


def pins_of(pins: object) -> tuple[str, ...]:
    """Pins as a tuple; one may stand alone. Raises ``ConfigError`` for what is no text."""
    listed = (pins,) if isinstance(pins, str) else pins
    if not isinstance(listed, Iterable) or not all(isinstance(pin, str) for pin in listed):
        raise ConfigError(f"without = {pins!r}: pins are text, such as ['kling', 'seedance-2.0']")
    return tuple(listed)
