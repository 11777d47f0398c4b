"""A route: one provider, in one region, with one model. What an order is sent to."""

from typing import Self

from dramagen.errors import InvalidShot
from dramagen.record import Record


class Route(Record):
    """Provider x Region x Model. Price and limits belong to the route, quality to the model."""

    provider: str
    region: str
    model: str

    @property
    def id(self) -> str:
        """``provider:region/model``, the form a pin may take."""
        return f"{self.provider}:{self.region}/{self.model}"

    def __hash__(self) -> int:  # a plan looks up hundreds
        return hash((self.provider, self.region, self.model))

    def __str__(self) -> str:
        return self.id

    @classmethod
    def from_id(cls, text: str) -> Self:
        """The route written ``provider:region/model``. Raises ``InvalidShot`` for any other form."""
        where, slash, model = text.partition("/")
        provider, colon, region = where.partition(":")
        if not (slash and colon and provider and region and model):
            raise InvalidShot(f"{text!r} is not a route, such as 'kling:intl/kling-3.0'")
        return cls(provider=provider, region=region, model=model)

    def satisfies(self, pin: str | None) -> bool:
        """Whether this route is what the pin asks for: a provider, a model, or provider[:region]/model."""
        if pin is None:
            return True
        where, slash, model = pin.rpartition("/")
        if not slash:
            return pin in (self.provider, self.model, f"{self.provider}:{self.region}")
        return model == self.model and where in (self.provider, f"{self.provider}:{self.region}")
