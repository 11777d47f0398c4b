"""The prompt as an aggregator's endpoint reads it: the model's own wording, inputs named the endpoint's way.

Who serves a model does not change how it is spoken to, so the words are those of the model's vendor. Only how a
sent picture is called in the prompt is the endpoint's own (``@Image1``, ``[Image1]``, ``<<<image_1>>>``), as the
card's ``mention`` says; without one the vendor's way holds there too.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from dramagen.adapters import hailuo_words, kling_words, seedance_prompt, vidu_words, wan_words
from dramagen.adapters.prompt import is_chinese, mentioned, replace_mentions, sentences
from dramagen.catalog.order import Order
from dramagen.errors import InvalidShot
from dramagen.shot import Line

WORDS: Mapping[str, Callable[[Order], str]] = {
    "kling": partial(kling_words.wording, negative_field=True),
    "kling-4": partial(kling_words.wording, negative_field=True, cut_format=False),
    "seedance": seedance_prompt.wording,
    "wan": wan_words.wording,
    "hailuo": hailuo_words.with_commands,
    "h3": hailuo_words.wording,
    "vidu": vidu_words.wording,
}
"""What a card's ``words`` may be."""

CUT_WORDS = kling_words.CUT_WORDS
"""Characters the words of one cut may have where cuts are a list of their own; only Kling's endpoints have one."""

_FIRST_MARK = 0xE000  # private use: no letter of any language, and in nobody's prompt


def prompt(order: Order) -> str:
    """The one prompt of the order. Raises ``InvalidShot`` for what the model has no words for."""
    masked, names = _masked(order)
    return _unmasked(_words_of(order)(masked), names)


def cut_prompts(order: Order) -> list[str]:
    """The prompt of each cut, where they are a list. What belongs to the whole shot is told in the first one.

    Raises ``InvalidShot`` for a cut with more words than are read.
    """
    masked, names = _masked(order)
    lines: list[list[Line]] = [[] for _ in masked.cuts]
    for line in masked.dialogue:
        lines[next((n for n, cut in enumerate(masked.cuts) if line.speaker in cut.prompt), 0)].append(line)
    prompts = []
    for number, (cut, spoken) in enumerate(zip(masked.cuts, lines, strict=True)):
        whole = (masked.prompt, cut.prompt) if number == 0 else (cut.prompt,)
        alone = {
            "prompt": sentences(*whole, chinese=_chinese(order)),
            "camera": order.camera if number == 0 else None,
            "dialogue": tuple(spoken),
            "cuts": (),
        }
        told = _unmasked(_words_of(order)(masked.model_copy(update=alone)), names)
        if len(told) > CUT_WORDS:
            raise InvalidShot(f"cut {number + 1} takes {len(told)} characters; {CUT_WORDS} are read")
        prompts.append(told)
    return prompts


def elements(order: Order) -> frozenset[str]:
    """The references that are sent as elements: those of several pictures, where the endpoint has elements."""
    if "element" not in order.wire.get("mention", ()):
        return frozenset()
    return frozenset(r.name for r in order.references if len(r.images) > 1)


def _words_of(order: Order) -> Callable[[Order], str]:
    name = order.wire.get("words")
    if name not in WORDS:
        raise InvalidShot(f"the card of {order.route.model} names no wording: {', '.join(WORDS)}")
    return WORDS[str(name)]


def _masked(order: Order) -> tuple[Order, Mapping[str, str]]:
    """The order with each reference as one private character, and what each becomes. Without references left.

    So the vendor's wording neither names them its own way nor takes the endpoint's names for Latin words.
    """
    if not order.references or "mention" not in order.wire:
        return order, {}
    marks = {r.name: chr(_FIRST_MARK + n) for n, r in enumerate(order.references)}
    calls = dict(_calls(order))
    spoken = tuple(
        Line(marks.get(line.speaker.removeprefix("@"), line.speaker), line.text, line.voice, line.language)
        for line in order.dialogue
    )
    chinese = _chinese(order)
    told = sentences(
        replace_mentions(order.prompt, marks), *_legend(order, marks, calls, chinese), chinese=chinese
    )
    changes = {
        "prompt": told,
        "cuts": tuple(
            cut.model_copy(update={"prompt": replace_mentions(cut.prompt, marks)}) for cut in order.cuts
        ),
        "dialogue": spoken,
        "references": (),
    }
    names = {mark: calls[name][0] for name, mark in marks.items() if calls[name]}
    return order.model_copy(update=changes), names


def _unmasked(text: str, names: Mapping[str, str]) -> str:
    """The text with every mark as the endpoint's name, parted from a word that follows at once."""
    if not names:
        return text
    told = []
    for at, letter in enumerate(text):
        name = names.get(letter)
        apart = name is not None and name[-1].isalnum() and text[at + 1 : at + 2].isalnum()
        told.append(letter if name is None else name + (" " if apart else ""))
    return "".join(told)


def _calls(order: Order) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What the endpoint calls each reference's inputs; pictures first. Each kind is counted on its own."""
    forms = order.wire["mention"]
    counts = dict.fromkeys(forms, 0)
    grouped = elements(order)

    def call(kind: str) -> str:
        counts[kind] += 1
        return str(forms[kind]).format(counts[kind])

    for reference in order.references:
        images = 1 if reference.name in grouped else len(reference.images)
        calls = [call("element" if reference.name in grouped else "image") for _ in range(images)]
        calls += [call("video")] if reference.video is not None else []
        # A voice is heard and not seen: it is told apart, and only names one who has no picture.
        calls += [call("voice")] if reference.voice is not None else []
        yield reference.name, tuple(calls)


def _legend(
    order: Order, marks: Mapping[str, str], calls: Mapping[str, tuple[str, ...]], chinese: bool
) -> Iterator[str]:
    """What the prompt does not say of the inputs: whom one shows that is not mentioned, and who has several."""
    said = mentioned("\n".join([order.prompt, *(cut.prompt for cut in order.cuts)]), marks)
    said |= {line.speaker.removeprefix("@") for line in order.dialogue}
    for reference in order.references:
        name, mark, named = reference.name, marks[reference.name], calls[reference.name]
        if reference.kind == "style":
            yield f"画面风格参照{mark}" if chinese else f"The style follows {mark}"
        elif name not in said:
            yield f"{mark} 是{name}" if chinese else f"{mark} is {name}"
        others = named[1:-1] if reference.voice is not None else named[1:]
        for other in others:
            yield f"{other} 与 {mark} 是同一个" if chinese else f"{other} shows the same as {mark}"
        if reference.voice is not None and len(named) > 1:
            yield f"{mark} 的音色参考 {named[-1]}" if chinese else f"{mark} has the voice of {named[-1]}"


def _chinese(order: Order) -> bool:
    written = "\n".join([order.prompt, *(cut.prompt for cut in order.cuts)])
    return is_chinese(written, [reference.name for reference in order.references])
