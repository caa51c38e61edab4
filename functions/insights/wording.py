"""A template taken apart: slots and words, in clauses, so that checks can look at what is said of what."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from functions.insights.vocabulary import SPLITTERS

_TOKEN = re.compile(r"\{[^{}]*\}|[A-Za-z]+(?:'[A-Za-z]+)?|[^A-Za-z{}\s]|[{}]")
_FACT = re.compile(r"\{(f[0-9]{1,4})\}")
_NAME = re.compile(r"\{([A-Z][A-Z0-9.-]{0,14})\}")
_ENDS = frozenset(",;:.!?-()")
SLOT = re.compile(r"\{([^{}]*)\}")

# Curly quotes, dashes and the hard space, as writers of text have them.
_TYPOGRAPHY = str.maketrans("\u2019\u2018\u2013\u2014\u00a0", "''-- ")


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a sentence: its words in small letters, the facts and the companies it names, in order."""

    words: tuple[str, ...]
    facts: tuple[str, ...]
    companies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wording:
    """A template's clauses; *stray* are marks and slots that no template has, *capitals* words that look like names."""

    clauses: Sequence[Clause]
    stray: tuple[str, ...]
    capitals: tuple[str, ...]

    @property
    def facts(self) -> tuple[str, ...]:
        """The ids in the template, in order."""
        return tuple(fact for clause in self.clauses for fact in clause.facts)

    @property
    def companies(self) -> tuple[str, ...]:
        """The tickers named in the template, in order."""
        return tuple(ticker for clause in self.clauses for ticker in clause.companies)


def plain(template: str) -> str:
    """Return *template* with typographic marks as they are on a keyboard."""
    return template.translate(_TYPOGRAPHY)


def take_apart(template: str) -> Wording:
    """Return the clauses of *template*."""
    clauses: list[Clause] = []
    words: list[str] = []
    facts: list[str] = []
    companies: list[str] = []
    stray: list[str] = []
    capitals: list[str] = []
    begins = True

    def end_clause() -> None:
        if words or facts or companies:
            clauses.append(Clause(tuple(words), tuple(facts), tuple(companies)))
            for told in (words, facts, companies):
                told.clear()

    for token in _TOKEN.findall(template):
        if fact := _FACT.fullmatch(token):
            facts.append(fact[1])
        elif name := _NAME.fullmatch(token):
            companies.append(name[1])
        elif token[0].isalpha():
            if token.lower() in SPLITTERS:
                end_clause()
            if token != token.lower() and not (begins and token[1:] == token[1:].lower()):
                capitals.append(token)
            words.append(token.lower())
        elif token in _ENDS:
            end_clause()
        else:
            stray.append(token)
        begins = token == "."  # noqa: S105  a full stop is no password
    end_clause()
    return Wording(tuple(clauses), tuple(stray), tuple(capitals))
