"""Where an episode stands: what is filmed, what a person said, what is due. Decides everything, and does nothing.

The workflow around it must come to the same decisions whenever its history is replayed, so there is no clock, no
chance and no I/O in here.
"""

from collections.abc import Iterator

from dramagen.temporal.records import JSON, Chosen, EpisodeOrder, ShotOrder, ShotStory, Take, Taken, Word

FINAL = frozenset({"ContentRejected", "JobFailed", "JobExpired", "DefectiveClip"})
"""Verdicts: the same take would only hear them again. After any other error nothing was filmed under that number."""


class Board:
    """One episode's takes. ``words`` collects what people said, for the router; ``changes`` counts what happened."""

    def __init__(self, order: EpisodeOrder) -> None:
        self._order = order
        self._orders = {shot.id: shot for shot in order.shots}
        told = {story.id: story for story in order.story}
        self.stories = {shot.id: told.get(shot.id) or ShotStory(shot.id) for shot in order.shots}
        self._followed = {shot.continues for shot in order.shots}
        self.words: list[Word] = []
        self.changes = 0
        self._deal()

    # --- what happened -----------------------------------------------------------------------------------

    def began(self, shot_id: str, take: int) -> None:
        """A take is being filmed."""
        self._take(shot_id, take).state = "filming"
        self._changed()

    def filmed(self, shot_id: str, take: int, clip: Taken) -> None:
        """A take is there."""
        this = self._take(shot_id, take)
        this.state, this.clip, this.error, this.replaced = "filmed", clip, None, False
        story, order = self.stories[shot_id], self._orders[shot_id]
        if story.pick is None and (not self._order.wait or order.pick == take):
            story.pick, story.beside = take, this.before
        self._changed()

    def failed(self, shot_id: str, take: int, error: JSON) -> None:
        """A take will not be there."""
        this = self._take(shot_id, take)
        this.state, this.error, this.replaced = "failed", error, False
        self._changed()

    # --- what a person says: None, or why it means nothing -------------------------------------------------

    def pick(self, shot_id: str, take: int) -> str | None:
        """This take it is, even if it was rejected before."""
        this = self._known(shot_id, take)
        if isinstance(this, str):
            return this
        if this.clip is None:
            return f"take {take} of {shot_id} is not filmed"
        story = self.stories[shot_id]
        story.pick, story.beside, this.rejected = take, self._before(shot_id), None
        self.words.append(Word(this.clip.job_id, True))
        self._changed()
        return None

    def reject(self, shot_id: str, take: int, reason: str, *, once: bool = True) -> str | None:
        """Not this one: another is filmed. One that failed is tried again, as :meth:`retake` does.

        ``once``: said again, late or after a change of mind, nothing more is filmed in its place.
        """
        this = self._known(shot_id, take)
        if isinstance(this, str):
            return this
        if this.state == "failed":
            if once and this.replaced:
                return f"take {take} of {shot_id} is followed by another already"
            if not self._ready(shot_id):
                return self._waits(shot_id)
            self._once_more(shot_id)
            this.replaced = True
            self._changed()
            return None
        if this.clip is None:
            return f"take {take} of {shot_id} is not filmed"
        if this.rejected is not None:
            return f"take {take} of {shot_id} is rejected already"
        this.rejected = reason
        story = self.stories[shot_id]
        if story.pick == take:
            story.pick = story.beside = None
        self.words.append(Word(this.clip.job_id, False, reason))
        if self._ready(shot_id) and not (once and this.replaced):
            this.replaced = True
            self._add(shot_id, 1)
        self._changed()
        return None

    def retake(self, shot_id: str, after: int | None = None, *, once: bool = True) -> str | None:
        """Try again what failed without a verdict; where nothing did, film one more take.

        Args:
            after: the newest take the person knew of: said twice, it is one wish.
            once: without ``after``, a take that is under way is the one that is asked for.
        """
        if shot_id not in self.stories:
            return f"there is no shot {shot_id}"
        if not self._ready(shot_id):
            return self._waits(shot_id)
        if after is not None:
            known = self._known(shot_id, after)
            if isinstance(known, str):
                return known
        there = self._since(shot_id, after) if once or after is not None else None
        if there is not None:
            what = "filmed" if there.clip else "under way" if there.state != "failed" else "there, and failed"
            return f"take {there.take} of {shot_id} is {what} already"
        self._once_more(shot_id)
        self._changed()
        return None

    # --- what follows ------------------------------------------------------------------------------------

    def due(self) -> tuple[str, int] | None:
        """The next take to film, in the order of the episode."""
        for story in self.stories.values():
            for this in story.takes:
                if this.state == "due":
                    return story.id, this.take
        return None

    def shot(self, shot_id: str, take: int) -> JSON:
        """The record of a shot as that take of it is filmed, its first frame put in."""
        order = self._orders[shot_id]
        before = self._take(shot_id, take).before
        if order.continues is None or before is None:
            return order.shot
        clip = self._take(order.continues, before).clip
        frames = {"first_frame": {"sha256": clip.frame if clip else None}}
        if order.ends_on is not None:
            frames["last_frame"] = {"sha256": order.ends_on}
        return order.shot | frames

    def followed(self, shot_id: str) -> bool:
        """Whether another shot starts where this one ends."""
        return shot_id in self._followed

    def complete(self) -> bool:
        """Whether every shot has its take."""
        return all(self.standing(shot_id) is not None for shot_id in self.stories)

    def standing(self, shot_id: str) -> int | None:
        """The take of a shot that is in the cut as things stand, None where there is none.

        A pick stands while the shot continues from the take it was filmed on, or was seen beside.
        """
        story, continues = self.stories[shot_id], self._orders[shot_id].continues
        if story.pick is None or continues is None:
            return story.pick
        before = self.standing(continues)
        fits = before is not None and before in (story.beside, self._take(shot_id, story.pick).before)
        return story.pick if fits else None

    def chosen(self) -> list[Chosen]:
        """The cut as things stand."""
        standing = [(shot_id, self.standing(shot_id)) for shot_id in self.stories]
        return [Chosen(s, self.shot(s, take), take) for s, take in standing if take is not None]

    def to_json(self) -> list[JSON]:
        """For people and their tools: every shot, in order."""
        return [self._told(order) for order in self._orders.values()]

    # --- inside ------------------------------------------------------------------------------------------

    def _since(self, shot_id: str, after: int | None) -> Take | None:
        """The take that is what a person asks for who knew of ``after``; None where it has to be filmed."""
        before, takes = self._before(shot_id), self.stories[shot_id].takes
        known = len(takes) if after is None else 1 + next(n for n, t in enumerate(takes) if t.take == after)
        fitting = [
            this
            for number, this in enumerate(takes)
            if this.before == before
            and not _tried_again(this)
            # Of those that were known, what is tried again is it; without a number, what nobody saw yet.
            and (number >= known or (this.state in ("due", "filming") and (after is None or this.replaced)))
        ]
        return fitting[-1] if fitting else None

    def _once_more(self, shot_id: str) -> None:
        """Try again what failed without a verdict; where nothing did, film one more take."""
        before = self._before(shot_id)
        again = [t for t in self.stories[shot_id].takes if t.before == before and _tried_again(t)]
        for this in again:
            this.state, this.error, this.replaced = "due", None, True
        if not again:
            self._add(shot_id, 1)

    def _waits(self, shot_id: str) -> str:
        return f"{shot_id} waits for a pick of {self._orders[shot_id].continues}"

    def _told(self, order: ShotOrder) -> JSON:
        ready, before = self._ready(order.id), self._before(order.id)
        takes = []
        for this in self.stories[order.id].takes:
            told: JSON = {"take": this.take, "state": "filmed" if this.clip else this.state}
            if this.clip is not None:
                told["clip"] = {name: value for name, value in vars(this.clip).items() if name != "frame"}
            if this.error is not None:
                told["error"] = this.error
            if this.rejected is not None:
                told |= {"state": "rejected", "reason": this.rejected}
            if order.continues is not None:
                told |= {"before": this.before, "stale": ready and this.before != before}
            takes.append(told)
        shot: JSON = {"id": order.id, "pick": self.standing(order.id), "takes": takes}
        if not ready:
            shot["waits_for"] = order.continues
        return shot

    def _changed(self) -> None:
        self.changes += 1
        self._deal()

    def _deal(self) -> None:
        """Every shot that can be filmed for the first time gets its takes. What a later pick makes stale is not
        filmed again before somebody asks for it: it costs money."""
        for order in self._orders.values():
            story = self.stories[order.id]
            if not story.takes and self._ready(order.id):
                if order.pick is not None:
                    story.takes.append(Take(order.pick, self._before(order.id)))
                else:
                    self._add(order.id, self._order.takes)

    def _ready(self, shot_id: str) -> bool:
        continues = self._orders[shot_id].continues
        return continues is None or self.standing(continues) is not None

    def _before(self, shot_id: str) -> int | None:
        continues = self._orders[shot_id].continues
        return None if continues is None else self.standing(continues)

    def _add(self, shot_id: str, count: int) -> None:
        free, before = self._free(shot_id), self._before(shot_id)
        self.stories[shot_id].takes += [Take(next(free), before) for _ in range(count)]

    def _free(self, shot_id: str) -> Iterator[int]:
        used = {this.take for this in self.stories[shot_id].takes} | set(self._orders[shot_id].rejected)
        number = 0
        while True:
            number += 1
            if number not in used:
                yield number

    def _take(self, shot_id: str, take: int) -> Take:
        return next(this for this in self.stories[shot_id].takes if this.take == take)

    def _known(self, shot_id: str, take: int) -> Take | str:
        if shot_id not in self.stories:
            return f"there is no shot {shot_id}"
        found = [this for this in self.stories[shot_id].takes if this.take == take]
        return found[0] if found else f"{shot_id} has no take {take}"


def _tried_again(this: Take) -> bool:
    """Whether nothing was filmed under that number, and it may be tried again."""
    return this.state == "failed" and (this.error or {}).get("error") not in FINAL
