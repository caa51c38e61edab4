"""Grammar of insights: a sentence is parsed whole into the frames of stories, or not at all.

Frames are the only source of sentences. The parser matches a template against them, and what it returns is rebuilt from
the match; the renderer fills the same frames with facts. So no word of a model is published that no frame has.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from itertools import product
from zlib import crc32

from functions.insights.facts.fact import Fact
from functions.insights.facts.metric import Cast, Story
from functions.insights.facts.registry import all_stories
from functions.insights.text.lexicon import true_words, words_of

FACT_SLOT = r"\{f[0-9]{1,4}\}"
NAME_SLOT = r"\{[A-Z][A-Z0-9.-]{0,14}\}"
INDUSTRY_SLOT = r"\{f[0-9]{1,4}\.industry\}"
_PLACE = re.compile(r"\{([a-zA-Z]+)(?:\.([a-z]+))?\}")
_CHOICE = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")


class Frame:
    """One frame of a story, for parsing and for rendering."""

    def __init__(self, story: Story, text: str, *, closing: bool = False) -> None:
        self.story = story
        self.text = text
        self.closing = closing or story.moment == "close"

    @cached_property
    def roles(self) -> frozenset[str]:
        """The roles whose figures are in the frame."""
        return frozenset(name for name, form in _PLACE.findall(self.text) if not form and name != "S")

    @property
    def has_subject(self) -> bool:
        """Return whether the frame is about one company."""
        return "{S}" in self.text

    @cached_property
    def named(self) -> frozenset[str]:
        """The roles whose company or industry the frame names."""
        return frozenset(name for name, form in _PLACE.findall(self.text) if form in ("name", "industry"))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The frame as a regular expression whose groups are the places, numbered for repeated ones."""
        parts: list[str] = []
        end = 0
        for number, match in enumerate(_PLACE.finditer(self.text)):
            parts += [_plain(self.text[end : match.start()]), _group(match[1], match[2], number)]
            end = match.end()
        return re.compile("".join(parts) + _plain(self.text[end:]))

    def allows(self, facts: Sequence[Fact]) -> bool:
        """Return whether the frame may be used at this moment of the session."""
        moment = facts[0].moment
        if self.closing:
            return moment == "close"
        wanted = self.story.moment
        return wanted in ("any", moment) or (wanted == "trading" and moment != "close")

    def render(self, cast: Cast, subject: str | None, seed: str) -> str:
        """Return the template of *cast*, its alternatives chosen by *seed*."""

        def choose(options: Sequence[str], salt: object) -> str:
            return options[crc32(f"{seed} {salt} {self.text}".encode()) % len(options)]

        def place(match: re.Match[str]) -> str:
            name, form = match[1], match[2]
            if name == "S":
                return f"{{{subject}}}"
            fact = cast[name]
            match form:
                case None:
                    return f"{{{fact.id}}}"
                case "name":
                    return f"{{{fact.ticker}}}"
                case "industry":
                    return f"{{{fact.id}.industry}}"
                case _:
                    # By class: "rose and fell", never "rose and traded lower".
                    return choose(true_words(form, fact), form)

        def pick(match: re.Match[str]) -> str:
            return choose(
                ("", match[2]) if match[1] is None else [one for one in match[1].split("|") if one[:1] != "~"],
                match.start(),
            )

        text = _CHOICE.sub(pick, self.text)
        return f"{_PLACE.sub(place, text)}."


@cache
def all_frames() -> tuple[Frame, ...]:
    """Return the frames of every story."""
    return tuple(frame for story in all_stories() for frame in frames_of(story))


@cache
def _frames_by_name() -> Mapping[str, tuple[Frame, ...]]:
    return {
        story.name: (
            *(Frame(story, text) for text in story.frames),
            *(Frame(story, text, closing=True) for text in story.closing_frames),
        )
        for story in all_stories()
    }


def frames_of(story: Story) -> tuple[Frame, ...]:
    """Return the frames of *story*."""
    return _frames_by_name()[story.name]


def matching_frames(text: str) -> Iterator[tuple[Frame, re.Match[str]]]:
    """Yield each frame that *text*, a normalized sentence without its full stop, is an instance of."""
    slots = text.count("{")
    for frame in all_frames():
        if _slots(frame) == slots and (match := frame.pattern.fullmatch(text)):
            yield frame, match


@cache
def _slots(frame: Frame) -> int:
    return sum(form in ("", "name", "industry") for _, form in _PLACE.findall(frame.text))


@cache
def vocabulary() -> frozenset[str]:
    """Return every word that some frame has, in small letters."""
    words: set[str] = set()
    for frame in all_frames():
        words.update(re.findall(r"[a-z']+", _PLACE.sub(" ", frame.text)))
        for name, form in _PLACE.findall(frame.text):
            if form not in ("", "name", "industry") and name != "S":
                words.update(part for word in words_of(form) for part in word.text.split())
    return frozenset(words)


def instances(frame: Frame, cast: Cast, subject: str | None) -> Iterator[str]:
    """Yield every template of *cast* that *frame* has, also those that are only accepted."""
    pieces = re.split(r"(\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\})", frame.text)
    options: list[Sequence[str]] = []
    for piece in pieces:
        if piece.startswith("("):
            options.append(
                [one for part in piece[1:-1].replace("~", "").split("|") for one in _filled(part, cast, subject)]
            )
        elif piece.startswith("["):
            options.append(["", *_filled(piece[1:-1], cast, subject)])
        else:
            options.append(_filled(piece, cast, subject))
    for chosen in product(*options):
        yield "".join(chosen) + "."


def _filled(text: str, cast: Cast, subject: str | None) -> list[str]:
    if not (match := _PLACE.search(text)):
        return [text]
    name, form = match[1], match[2]
    if name == "S":
        values = [f"{{{subject}}}"]
    elif form is None:
        values = [f"{{{cast[name].id}}}"]
    elif form == "name":
        values = [f"{{{cast[name].ticker}}}"]
    elif form == "industry":
        values = [f"{{{cast[name].id}.industry}}"]
    else:
        values = true_words(form, cast[name])
    rests = _filled(text[match.end() :], cast, subject)
    return [text[: match.start()] + value + rest for value in values for rest in rests]


def _group(name: str, form: str | None, number: int) -> str:
    match form:
        case None:
            inner = NAME_SLOT if name == "S" else FACT_SLOT
        case "name":
            inner = NAME_SLOT
        case "industry":
            inner = INDUSTRY_SLOT
        case _:
            inner = "|".join(re.escape(word.text) for word in words_of(form))
    return f"(?P<{name}__{form or 'slot'}__{number}>{inner})"


def _plain(text: str) -> str:
    """Return frame text as a pattern: alternatives and options as they are, the rest escaped."""
    escaped = re.escape(text.replace("~", "")).replace(r"\(", "(?:").replace(r"\)", ")").replace(r"\|", "|")
    return escaped.replace(r"\[", "(?:").replace(r"\]", ")?").replace(r"\ ", " ")
