"""Read an episode file: TOML in, an Episode out, and for every mistake its line and what was expected."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from dramagen.adapters.prompt import mentioned, mentions
from dramagen.config import Budget
from dramagen.episode.lines import Path as Place
from dramagen.episode.lines import line_of, lines
from dramagen.episode.model import Episode, EpisodeShot, problems
from dramagen.errors import ConfigError, DramagenError, InvalidShot
from dramagen.medium import Image
from dramagen.shot import Reference, Shot

E = TypeVar("E", bound=Episode)

_TOP = ("title", "defaults", "budget", "characters", "shot")
_SHOT = tuple(name for name in Shot.model_fields if name != "id")
_OWN = ("id", "continues", "scene", "characters")
_BARE = re.compile(r"\[?\[?[A-Za-z0-9_.-]*[^\x00-\x7f\s]")
_CHARACTER = tuple(name for name in Reference.model_fields if name != "name")


def read(kind: type[E], path: Path) -> E:
    """The episode of a file. Raises ``ConfigError`` or ``InvalidShot`` beginning with ``file:line``."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as problem:
        raise ConfigError(f"{path}: {problem.strerror or problem}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text; an episode is a TOML file in UTF-8") from None
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise ConfigError(_syntax(path, text, str(problem))) from None
    # TOML allows \r\n; the scanner, like tomllib, counts only \n.
    return _Reader(path, table, lines(text.replace("\r\n", "\n"))).episode(kind)


def _syntax(path: Path, text: str, message: str) -> str:
    where = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    if where is None:
        return f"{path}: {message}"
    line = where[1] or str(text.count("\n") + 1)
    written = text.split("\n")[int(line) - 1].strip()
    if _BARE.match(written):
        return (
            f'{path}:{line}: a key that is not plain ASCII is quoted: [characters."林夏"]; it says {written}'
        )
    column = f" (column {where[2]})" if where[2] else " (the file ends here)"
    return f"{path}:{line}: not TOML: {message[: where.start()]}{column}"


@dataclass
class _Reader:
    path: Path
    table: Mapping[str, Any]
    lines: Mapping[Place, int]
    characters: dict[str, Reference] = field(default_factory=dict)

    def episode(self, kind: type[E]) -> E:
        self.known_keys(self.table, _TOP, ())
        title = self.table.get("title", self.path.absolute().parent.name)
        if not isinstance(title, str) or not title.strip():
            self.wrong(("title",), f"title is a text, not {title!r}")
        budget = self.budget(self.of_kind("budget", dict, "a table: [budget]"))
        for name, entry in self.of_kind("characters", dict, 'tables: [characters."林夏"]').items():
            self.characters[name] = self.character(name, entry, ("characters", name))
        defaults = self.of_kind("defaults", dict, "a table: [defaults]")
        self.known_keys(defaults, _SHOT, ("defaults",))
        entries = self.of_kind("shot", list, "written [[shot]], once for each")
        if not entries:
            self.wrong((), "an episode has shots: [[shot]] with an id and a prompt")
        shots = tuple(self.shot(entry, defaults, ("shot", at)) for at, entry in enumerate(entries))
        for problem, shot in problems(shots):
            at = shots.index(shot)
            key = "continues" if "continues" in problem else "id"
            self.wrong(("shot", at, key), f"shot {shot.id!r}: {problem}", InvalidShot)
        return kind(title, shots, self.path, budget, self.characters)

    # --- tables --------------------------------------------------------------------------------------------

    def budget(self, entry: Mapping[str, Any]) -> Budget | None:
        if not entry:
            return None
        self.known_keys(entry, ("limit", "per"), ("budget",))
        if "limit" not in entry:
            self.wrong(("budget",), 'a budget has a limit, such as limit = "60 CNY"')
        try:
            return Budget(**entry)
        except ConfigError as error:
            key = "per" if error.message.startswith("Budget.per") else "limit"
            self.wrong(("budget", key), f"[budget] {error.message.removeprefix('Budget.')}")

    def character(self, name: str, entry: Any, at: Place) -> Reference:
        if not isinstance(entry, dict):
            self.wrong(at, f'a character is a table: [characters."{name}"] with images, video or voice')
        self.known_keys(entry, _CHARACTER, at)
        fields = self.with_media(entry, at)
        reference: Reference = self.made(lambda: Reference(name, **fields), at, f"character {name!r}")
        return reference

    def shot(self, entry: Mapping[str, Any], defaults: Mapping[str, Any], at: Place) -> EpisodeShot:
        shot_id = entry.get("id")
        if not isinstance(shot_id, str) or not shot_id.strip():
            given = f", not {shot_id!r}" if "id" in entry else ""
            self.wrong((*at, "id"), f'a shot has an id, a text such as id = "s01"{given}', InvalidShot)
        who = f"shot {shot_id!r}"
        self.known_keys(entry, (*_OWN, *_SHOT), at, who)
        continues = entry.get("continues")
        if continues is not None and not isinstance(continues, str):
            self.wrong(
                (*at, "continues"), f"{who}: continues is the id of a shot, not {continues!r}", InvalidShot
            )
        if continues is not None and "first_frame" in entry:
            self.wrong(
                (*at, "first_frame"),
                f"{who}: either continues or first_frame: it can start on one frame only",
                InvalidShot,
            )
        scene = entry.get("scene")
        if scene is not None and (not isinstance(scene, str) or not scene.strip()):
            self.wrong((*at, "scene"), f"{who}: scene is a name, not {scene!r}", InvalidShot)
        if "prompt" not in entry and "prompt" not in defaults:
            self.wrong(at, f"{who}: a shot has a prompt", InvalidShot)
        own = {k: v for k, v in entry.items() if k not in _OWN}
        fields = self.with_media(dict(defaults), ("defaults",)) | self.with_media(own, at)
        if continues is not None:
            fields.pop("first_frame", None)
        fields["references"] = self.references(entry, fields, at, who)
        ends_on = self.made(lambda: _image(fields.pop("last_frame", None)), at, who) if continues else None
        shot = self.made(lambda: Shot(**fields, id=shot_id), at, who, set(entry))
        return EpisodeShot(shot_id, shot, continues, ends_on, line_of(self.lines, at), scene)

    def references(
        self, entry: Mapping[str, Any], fields: Mapping[str, Any], at: Place, who: str
    ) -> list[Any]:
        """The shot's own references, then the characters it lists or mentions, in the order of the file."""
        own = list(fields.get("references", ()))
        listed = entry.get("characters", [])
        if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
            self.wrong((*at, "characters"), f'{who}: characters is a list of names: ["林夏"]', InvalidShot)
        for number, name in enumerate(listed):
            if name not in self.characters:
                hint = _near(name, self.characters) or f"there are {', '.join(self.characters) or 'none'}"
                self.wrong((*at, "characters", number), f"{who}: no [characters.{name}]; {hint}", InvalidShot)
        named = {r["name"] for r in own if isinstance(r, dict) and isinstance(r.get("name"), str)}
        used = set(listed) - named
        for key, text in _texts(fields):
            used |= mentioned(text, self.characters) - named
            self.typo(text, [*self.characters, *named], (*at, *key), who)
        return own + [reference for name, reference in self.characters.items() if name in used]

    def typo(self, text: str, names: Iterable[str], at: Place, who: str) -> None:
        """A mention that is nobody's name but close to one is a slip of the keyboard."""
        known = mentioned_at(text, names)
        for found in re.finditer(r"(?<![A-Za-z0-9_.])[@＠](?=\S)", text):
            if found.start() in known:
                continue
            for name in names:
                written = text[found.end() : found.end() + len(name)]
                if SequenceMatcher(None, written, name).ratio() >= 0.5:
                    self.wrong(at, f"{who}: mentions @{written}; did you mean @{name}?", InvalidShot)

    # --- media ---------------------------------------------------------------------------------------------

    def with_media(self, entry: Mapping[str, Any], at: Place) -> dict[str, Any]:
        """The table with every file found beside the episode. A file that is not there is a mistake."""
        fields = dict(entry)
        for key in ("first_frame", "last_frame", "video", "voice"):
            if isinstance(fields.get(key), str):
                fields[key] = self.file(fields[key], (*at, key))
        if isinstance(fields.get("images"), str):
            fields["images"] = [fields["images"]]
        if isinstance(fields.get("images"), list):
            fields["images"] = [
                self.file(image, (*at, "images", n)) if isinstance(image, str) else image
                for n, image in enumerate(fields["images"])
            ]
        if isinstance(fields.get("references"), list):
            fields["references"] = [
                self.with_media(each, (*at, "references", n)) if isinstance(each, dict) else each
                for n, each in enumerate(fields["references"])
            ]
        return fields

    def file(self, written: str, at: Place) -> str:
        if written.lower().startswith(("http://", "https://")):
            return written
        found = self.path.absolute().parent / Path(written).expanduser()
        if not found.is_file():
            folder = [p.name for p in found.parent.iterdir()] if found.parent.is_dir() else []
            hint = _near(found.name, folder) or "paths are relative to the episode file"
            self.wrong(at, f"{_key(at)}: no file {written!r}; {hint}")
        return str(found)

    # --- mistakes ------------------------------------------------------------------------------------------

    def of_kind(self, key: str, kind: type[Any], expected: str) -> Any:
        value = self.table.get(key, kind())
        if not isinstance(value, kind) or (kind is list and not all(isinstance(v, dict) for v in value)):
            self.wrong((key,), f"{key} is {expected}")
        return value

    def known_keys(self, entry: Mapping[str, Any], known: Iterable[str], at: Place, who: str = "") -> None:
        for key in entry:
            if key not in known:
                where = who or (f"[{'.'.join(map(str, at))}]" if at else "the top of the file")
                hint = _near(key, known) or f"known are {', '.join(known)}"
                self.wrong((*at, key), f"{where}: unknown key {key!r}; {hint}")

    def made(self, make: "Callable[[], Any]", at: Place, who: str, written: "set[str] | None" = None) -> Any:
        """What ``make`` makes; its complaint gets the line of the field it is about."""
        try:
            return make()
        except DramagenError as error:
            found = getattr(error, "problems", ()) or [("", "", error.message)]
            name, value, rule = found[0]
            key: Place = tuple(int(p) if p.isdigit() else p for p in name.split(".") if p)
            if key and key[0] not in {*_SHOT, *_CHARACTER, "limit", "per", "name"}:
                # About the whole: the rule's first word is the field, where it is one.
                first = rule.split(" ")[0]
                key, value = ((first,) if first in _SHOT else ()), ""
            if written is not None and key and key[0] not in written:
                at = ("defaults",)  # nothing of it stands in the shot itself
                at = at if (*at, key[0]) in self.lines else ()
            shown = f"{'.'.join(map(str, key))} = {value}: " if value and key else ""
            self.wrong((*at, *key), f"{who}: {shown}{_plainly(rule)}", type(error))
        except TypeError as error:
            self.wrong(at, f"{who}: {error}")

    def wrong(self, at: Place, message: str, kind: type[DramagenError] = ConfigError) -> NoReturn:
        raise kind(f"{self.path}:{line_of(self.lines, at)}: {message}")


def mentioned_at(text: str, names: Iterable[str]) -> set[int]:
    """Where in the text a name is mentioned."""
    pattern = mentions(names)
    return set() if pattern is None else {found.start() for found in pattern.finditer(text)}


def _image(value: Any) -> Image | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidShot(f"last_frame is a path or a URL, not {value!r}")
    image: Image = Image.parse(Image.of(value))
    return image


def _texts(fields: Mapping[str, Any]) -> list[tuple[Place, str]]:
    """Where mentions may stand."""
    found: list[tuple[Place, Any]] = [(("prompt",), fields.get("prompt"))]
    cuts = fields.get("cuts")
    for number, cut in enumerate(cuts if isinstance(cuts, list) else []):
        if isinstance(cut, dict):
            found.append((("cuts", number, "prompt"), cut.get("prompt")))
    return [(key, text) for key, text in found if isinstance(text, str)]


def _near(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, list(known), 1, 0.6)
    return f"did you mean {near[0]!r}?" if near else ""


def _key(at: Place) -> str:
    return ".".join(str(part) for part in at if not isinstance(part, int) or part != at[-1])


def _plainly(rule: str) -> str:
    return {
        "Extra inputs are not permitted": "an unknown key",
        "Field required": "it is missing",
    }.get(rule, rule)
