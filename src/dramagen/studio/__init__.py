"""The front door: everything a user calls, and the wiring of the parts behind it.

``studio`` opens and closes; ``planning`` asks every route; ``filming`` brings one take home; ``results`` hands out
those of many shots as they come; ``resuming`` picks up what an earlier process left; ``books`` reads the journal.
"""

from dramagen.studio.studio import Studio

__all__ = ["Studio"]
