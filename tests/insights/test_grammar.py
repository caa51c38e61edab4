"""The grammar: every sentence that passes states exactly its facts, and no other sentence passes."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.insights_market import read_hours
from functions.insights.facts.registry import FactTable, all_stories, fact_table
from functions.insights.generation.candidates import candidates
from functions.insights.text.lexicon import LADDER
from functions.insights.text.parser import Sentence, parse
from functions.insights.text.template import fact_ids
from tests.insights.false_sentences import FALSE
from tests.insights.hours import market_facts
from tests.insights.sentences import is_true, random_sentences, with_ids

HOURS = (0, 3, 6)
"""The first, a middle and the last bar of a session."""


def claims(sentence: Sentence) -> list[tuple[str, str | None]]:
    """Return the metric and the basis of each fact."""
    return [(fact.metric, fact.basis) for fact in sentence.facts]


@pytest.mark.parametrize("place", HOURS)
def test_every_sentence_of_the_frames_parses_to_its_facts_and_back(place: int) -> None:
    """Of every story, in every frame and with every word: parsed whole, the same facts, rebuilt to the letter."""
    facts = market_facts(place)
    for one in candidates(facts):
        for template in one.templates():
            sentence = parse(template, facts)
            assert isinstance(sentence, Sentence), (template, sentence)
            assert sentence.template == template
            assert sorted(fact.id for fact in sentence.facts) == sorted(set(fact_ids(template)))
            assert set(sentence.tickers) == set(one.tickers)


def test_every_story_has_facts_somewhere() -> None:
    """No declaration is dead: each story has a cast in some hour of some market."""
    found = {one.story.name for seed in range(1, 9) for place in HOURS for one in candidates(market_facts(place, seed))}

    rare = {"month move", "year move", "market day, split", "new highs", "new lows"}
    assert {story.name for story in all_stories()} - found <= rare


@pytest.mark.parametrize("place", HOURS)
def test_random_sentences_of_allowed_words_do_not_pass(place: int) -> None:
    """Six thousand of them, with slots exchanged too; the few that pass are sentences that the frames make."""
    facts = market_facts(place)
    passed = [text for text in random_sentences(facts, 6000, place) if isinstance(parse(text, facts), Sentence)]

    assert passed
    assert [text for text in passed if not is_true(text, facts)] == []


EXACT = {"size", "moment", "comparison", "digit", "character", "empty", "no-figure"}
"""Kinds whose code is always the reason; others may fit a frame of another metric better, or none."""
CASES = [(code, text) for code, texts in FALSE.items() for text in texts]


def test_there_are_more_than_a_hundred_false_sentences() -> None:
    """Of more than twenty kinds."""
    assert len(CASES) > 200
    assert len(FALSE) > 20


@pytest.mark.parametrize(("code", "text"), CASES)
def test_a_false_sentence_is_refused(code: str, text: str) -> None:
    """Whatever it claims, with a reason that its writer can act on."""
    facts = market_facts(3)
    found = parse(with_ids(text, facts), facts)

    assert isinstance(found, list), found
    assert all(violation.detail for violation in found)
    if code in EXACT:
        assert code in {violation.code for violation in found}, found


@pytest.mark.parametrize("story", ["leader and laggard", "industries of the session", "industry"])
def test_a_rank_belongs_to_the_company_or_industry_named_with_it(story: str) -> None:
    """With another company or industry of the same direction in its place, the sentence is refused."""
    facts = market_facts(6)
    one = next(one for one in candidates(facts) if one.story.name == story)
    lead = one.lead
    others = [fact for fact in facts.values() if fact.key == lead.key and fact.direction == lead.direction]
    for other in others:
        if other == lead:
            continue
        text = one.template(0, "").replace(f"{{{lead.id}", f"{{{other.id}")
        refused = parse(text.replace(f"{{{lead.ticker}}}", f"{{{other.ticker}}}"), facts)
        assert isinstance(refused, list)
        assert {"subject", "size"} & {violation.code for violation in refused}
    assert len(others) > 1


TRUE = [
    "{BAC} gained <BAC.change.previous_close> since the previous close",
    "{BAC} is up <BAC.change.previous_close> from the previous close",
    "{BAC}  Climbed <BAC.change.previous_close>\u00a0since the previous close.",
    "{BAC} gained <BAC.change.previous_close> since the previous close, <BAC.rank.previous_close>",
    "{AAPL} fell <AAPL.change.previous_bar> in <market.period>",
    "In <market.period>, {BAC} hit <BAC.high.20_sessions>.",
    "{BAC} gained <BAC.change.previous_close> since the previous close while {AAPL} edged down "
    "<AAPL.change.previous_close> since the previous close",
    "{BAC} has extended its gain since the previous close to <BAC.change.previous_close> from "
    "<BAC.earlier_change.previous_close> before <market.period>",
]


@pytest.mark.parametrize("text", TRUE)
def test_a_true_sentence_passes(text: str) -> None:
    """In small letters or not, with a full stop or without, joined where both parts have one window."""
    facts = market_facts(3)

    assert isinstance(parse(with_ids(text, facts), facts), Sentence)


def test_the_sizes_of_verbs_leave_no_gap() -> None:
    """The ladder goes from nothing to infinity, each step where the one before ends."""
    assert [step[0] for step in LADDER[1:]] == [step[1] for step in LADDER[:-1]]
    assert (LADDER[0][0], LADDER[-1][1]) == ("0", "Infinity")


def test_a_superlative_names_its_basis() -> None:
    """Every frame with the place of a figure says what it is counted from."""
    for story in all_stories():
        ranks = [role for role, wanted in story.roles.items() if wanted.metric == "rank"]
        for frame in story.frames if ranks else ():
            assert re.search(r"previous close|\{p\}|end of last week|week before", frame), frame


def test_no_past_tense_stands_with_since() -> None:
    """A change since an instant "has risen" or "is up"; it "rose" from there."""
    from_there = re.compile(r"\{(\w)\.verb\} \{\1\} (on average )?(from|\(from\|~since\))")
    for story in all_stories():
        for frame in (*story.frames, *story.closing_frames):
            if "since the" in frame:
                assert not re.search(r"\.(verb|moved|rose)\}", from_there.sub("", frame)), frame


@pytest.fixture(scope="module")
def real_tables(real_data: Callable[[str], Path]) -> list[FactTable]:
    """The facts of some real hours of 50 stocks."""
    return [fact_table(hour) for hour in read_hours(real_data("stooq_top50_1h.csv.gz"))[::8]]


def test_every_sentence_about_real_hours_parses_to_its_facts_and_back(real_tables: list[FactTable]) -> None:
    """In the first template of every frame of every candidate."""
    for facts in real_tables:
        for one in candidates(facts):
            for number in range(len(one.frames)):
                template = one.template(number, "seed")
                sentence = parse(template, facts)
                assert isinstance(sentence, Sentence), (template, sentence)
                assert sentence.template == template
                assert sorted(fact.id for fact in sentence.facts) == sorted(set(fact_ids(template)))
                assert sentence.sentiment == one.sentiment or len(one.cast) > len(sentence.facts)
