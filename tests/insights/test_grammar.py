"""The grammar: every sentence that passes states exactly its facts, and no other sentence passes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.insights_market import read_hours
from functions.insights.facts.registry import FactTable, all_stories, fact_table
from functions.insights.generation.candidates import candidates
from functions.insights.text.lexicon import LADDER
from functions.insights.text.parser import Sentence, parse
from functions.insights.text.template import fact_ids
from tests.insights.hours import market_facts
from tests.insights.sentences import is_true, random_sentences, with_ids

HOURS = (0, 3, 6)
"""The first, a middle and the last bar of a session."""


def claims(sentence: Sentence) -> list[tuple[str, str | None]]:
    """Which metric, counted from what, is stated by each fact."""
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


def test_every_story_is_told_somewhere() -> None:
    """No declaration is dead: each story has a cast in some hour of some market."""
    told = {one.story.name for seed in range(1, 9) for place in HOURS for one in candidates(market_facts(place, seed))}

    rare = {"month move", "year move", "market day, split"}
    assert {story.name for story in all_stories()} - told <= rare


@pytest.mark.parametrize("place", HOURS)
def test_random_sentences_of_allowed_words_do_not_pass(place: int) -> None:
    """Four thousand of them; the few that pass are sentences that the frames make."""
    facts = market_facts(place)
    passed = [text for text in random_sentences(facts, 4000, place) if isinstance(parse(text, facts), Sentence)]

    assert [text for text in passed if not is_true(text, facts)] == []


FALSE = {
    "direction": [
        "{AAPL} edged up <AAPL.change.previous_close> since the previous close",
        "{BAC} fell <BAC.change.previous_close> since the previous close",
        "{BAC} is down <BAC.change.previous_close> since the previous close",
        "{BAC} trades <BAC.change.previous_close> below its previous close",
        "since the previous close {BAC} has fallen <BAC.change.previous_close>",
        "{BAC} shows a loss of <BAC.change.previous_close> since the previous close",
        "{AAPL} gained <AAPL.change.previous_bar> in <market.period>",
        "<market.period> left {AAPL} <AAPL.change.previous_bar> higher",
        "<market.period> took {AAPL} up <AAPL.change.previous_bar>",
        "over <market.period> {AAPL} has climbed <AAPL.change.previous_bar>",
        "{AAPL} rose <AAPL.change.session_open> since the open",
        "{BAC} opened <BAC.gap.previous_close> higher than at the previous close",
        "{BAC} opened with a gap of <BAC.gap.previous_close> above the previous close",
        "<market.breadth.previous_close.up> were down and <market.breadth.previous_close.down> were up since the "
        "previous close; the average stock edged down <market.market_change.previous_close>",
        "<market.breadth.previous_bar.up> fell and <market.breadth.previous_bar.down> rose in <market.period>",
        "{BAC} jumped <BAC.change.previous_bar> in <market.period>",
        "in <market.period> trading in {AAPL} was quiet, at <AAPL.volume_ratio.same_time_of_day>",
        "stocks in <Banking.industry_change.previous_close> rose",
        "{BAC} is <BAC.relative_change.market> behind its industry since the previous close with a gain of "
        "<BAC.change.previous_close>",
        "{BAC} has fallen <BAC.change.previous_week_close> since the end of last week",
        "since the end of last week {BAC} is down <BAC.change.previous_week_close>",
        "{BAC} has pared its loss since the previous close to <BAC.change.previous_close> from "
        "<BAC.earlier_change.previous_close> before <market.period>",
    ],
    "basis": [
        "{BAC} gained <BAC.change.session_open> since the previous close",
        "{BAC} gained <BAC.change.previous_close> since the open",
        "{BAC} gained <BAC.change.previous_close> in <market.period>",
        "{BAC} rose <BAC.change.previous_bar> since the previous close",
        "{BAC} rose <BAC.change.previous_bar> since the open",
        "{BAC} is up <BAC.change.previous_week_close> since the previous close",
        "{BAC} is up <BAC.change.previous_week_close> since the open",
        "{BAC} is up <BAC.change.previous_month_close> since the previous close",
        "since the end of last week {BAC} is up <BAC.change.previous_month_close>",
        "since the end of last month {BAC} is up <BAC.change.previous_week_close>",
        "since the end of last year {BAC} is up <BAC.change.previous_month_close>",
        "{BAC} gained <BAC.change.session_open> since the previous close, <BAC.rank.previous_close>",
        "{AAPL} fell <AAPL.change.previous_bar> since the previous close, <AAPL.rank.previous_bar>",
        "{BAC} gained <BAC.change.previous_close> since the previous close, <BAC.rank.previous_week_close>",
        "{AAPL} trades <AAPL.change.session_open> below its previous close",
        "{BAC} trades <BAC.change.previous_close> above its opening price",
        "<market.breadth.previous_bar.up> rose and <market.breadth.previous_bar.down> fell since the previous close; "
        "the average stock edged down <market.market_change.previous_close>",
        "<market.breadth.previous_close.up> rose and <market.breadth.previous_close.down> fell in <market.period>",
        "{BAC} is <BAC.relative_change.market> ahead of its industry since the previous close with a gain of "
        "<BAC.change.previous_close>",
        "{BAC} gained <BAC.change.previous_close> since the previous close, <BAC.relative_change.industry> ahead of "
        "the average of the other stocks",
    ],
    "metric": [
        "{BAC} opened <BAC.change.previous_close> higher than at the previous close",
        "{BAC} gained <BAC.relative_change.market> since the previous close",
        "{BAC} gained <BAC.price> since the previous close",
        "{AAPL} traded between <AAPL.hour_high> and <AAPL.hour_low> in <market.period>",
        "{AAPL} traded at <AAPL.hour_high> at the end of <market.period>",
        "{AAPL} traded at <AAPL.change.previous_close> at the end of <market.period>",
        "{AAPL} traded <AAPL.range.session_open> in <market.period>",
        "{AAPL} gained <AAPL.range.session_open> since the open",
        "{AAPL} has moved in a range of <AAPL.change.session_open> since the open",
        "{BAC} hit <BAC.hour_high> in <market.period>",
        "{BAC} gained <BAC.earlier_change.previous_close> since the previous close",
        "{JPM} edged up <JPM.volume_ratio.same_time_of_day> in <market.period>",
        "<market.market_change.previous_close> rose and <market.breadth.previous_bar.down> fell in <market.period>",
        "{AAPL} fell <AAPL.change.previous_bar> in <AAPL.price>",
    ],
    "subject": [
        "{AAPL} gained <BAC.change.previous_close> since the previous close",
        "{AAPL} gained <BAC.change.previous_close> since the previous close, <BAC.rank.previous_close>",
        "{BAC} gained <BAC.change.previous_close> since the previous close, <AAPL.rank.previous_bar>",
        "{JPM} hit <BAC.high.20_sessions> in <market.period>",
        "{AAPL} traded <JPM.volume_ratio.same_time_of_day> in <market.period>",
        "{AAPL} eased <market.market_change.previous_close> since the previous close",
        "{BAC} edged up <Banking.industry_change.previous_close> since the previous close",
        "{AAPL} traded at <BAC.price> at the end of <market.period>",
        "{AAPL} opened <BAC.gap.previous_close> lower than at the previous close",
        "the average stock gained <BAC.change.previous_close> in <market.period>, with "
        "<market.breadth.previous_bar.up> higher",
        "{JPM} has moved in a range of <BAC.range.session_open> since the open",
    ],
    "size": [
        "{BAC} edged up <BAC.change.previous_close> since the previous close",
        "{BAC} rose <BAC.change.previous_close> since the previous close",
        "{BAC} jumped <BAC.change.previous_close> since the previous close",
        "{BAC} soared <BAC.change.previous_close> since the previous close",
        "{BAC} has surged <BAC.change.previous_close> from the previous close",
        "{AAPL} plunged <AAPL.change.previous_close> since the previous close",
        "{AAPL} fell <AAPL.change.previous_close> since the previous close",
        "{AAPL} slumped <AAPL.change.previous_bar> in <market.period>",
        "{AAPL} edged down <AAPL.change.previous_bar> in <market.period>",
        "{BAC} has gained <BAC.change.previous_week_close> since the end of last week",
    ],
    "window": [
        "{BAC} gained <BAC.change.previous_close> since the previous close and {BAC} rose <BAC.change.previous_bar> in "
        "<market.period>",
        "{JPM} traded <JPM.volume_ratio.same_time_of_day> in <market.period> and {BAC} gained "
        "<BAC.change.previous_close> since the previous close",
        "{BAC} hit <BAC.high.20_sessions> in <market.period> while {BAC} is up <BAC.change.previous_week_close> since "
        "the end of last week",
        "{AAPL} is down <AAPL.change.session_open> since the open while {BAC} is up <BAC.change.previous_close> since "
        "the previous close",
    ],
    "comparison": [
        "{BAC} has pared its gain since the previous close to <BAC.change.previous_close> from "
        "<BAC.earlier_change.previous_close> before <market.period>",
        "{BAC} gained <BAC.change.previous_close> since the previous close but is <BAC.relative_change.market> ahead "
        "of the average of the other stocks",
        "{BAC} is up <BAC.change.session_open> since the open and still <BAC.change.previous_close> above the previous "
        "close",
        "{BAC} gained <BAC.change.session_open> since the open but is still up <BAC.change.previous_close> since the "
        "previous close",
        "{BAC} is up <BAC.change.previous_close> since the previous close although it gained <BAC.change.session_open> "
        "since the open",
    ],
    "moment": [
        "{BAC} closed <BAC.change.previous_close> higher than the session before",
        "{BAC} ended the session up <BAC.change.previous_close> from the previous close",
        "from open to close {AAPL} slipped <AAPL.change.session_open>",
        "{BAC} closed <BAC.change.session_open> above its opening price",
    ],
    "form": [
        "{BAC} gained <BAC.change.previous_close>",
        "{BAC} is up <BAC.change.previous_close>",
        "{BAC} gained <BAC.change.previous_close> since the open since the previous close",
        "{BAC} gained since the previous close <BAC.change.previous_close>",
        "{BAC} <BAC.rank.previous_close>",
        "{BAC} has <BAC.rank.previous_close>",
        "{BAC} gained <BAC.change.previous_close>, <BAC.rank.previous_close>",
        "{BAC} gained <BAC.change.previous_close> since the previous close while the market held the open",
        "{BAC} gained <BAC.change.previous_close> since the previous close and {AAPL} fell",
        "{BAC} gained <BAC.change.previous_close> since the previous close while {AAPL} was lower",
        "{BAC} and {JPM} gained <BAC.change.previous_close> since the previous close",
        "{BAC} to {JPM} gained <BAC.change.previous_close> since the previous close",
        "{BAC} gained <BAC.change.previous_close> since the previous close, as the other stocks fell",
        "{COST} gained since the open <COST.change.previous_close> <COST.change.session_open>",
        "{COST} fell <COST.change.previous_close> since the open <COST.change.session_open>",
        "trading in {AAPL} fell <AAPL.change.previous_close>",
        "stocks gained <BAC.change.previous_close> since the previous close",
        "the market gained <market.market_change.previous_close> since the previous close",
        "{BAC} traded <BAC.change.previous_close> since the previous close",
        "{BAC} {AAPL} gained <BAC.change.previous_close> since the previous close",
        "since since the previous close {BAC} gained <BAC.change.previous_close>",
        "the the {BAC} gained <BAC.change.previous_close> since the previous close",
        "{BAC} gained <BAC.change.previous_close> since the previous close.. {AAPL} fell",
    ],
    "word": [
        "{BAC} gained <BAC.change.previous_close> since the previous close because of demand",
        "{BAC} gained <BAC.change.previous_close> since the previous close, buy",
        "{BAC} gained almost <BAC.change.previous_close> since the previous close",
        "{BAC} gained more than <BAC.change.previous_close> since the previous close",
        "{BAC} also gained <BAC.change.previous_close> since the previous close",
        "unlike {AAPL}, {BAC} gained <BAC.change.previous_close> since the previous close",
        "{BAC} gained the same <BAC.change.previous_close> since the previous close",
        "{BAC} did not gain <BAC.change.previous_close> since the previous close",
        "{BAC} gained <BAC.change.previous_close> today",
        "{BAC} doubled <BAC.change.previous_close> since the previous close",
        "{BAC} gained twice <BAC.change.previous_close> since the previous close",
        "{BAC} gained <BAC.change.previous_close> since the previous close and will rise",
        "{BAC} gained <BAC.change.previous_close> percent since the previous close",
        "Enron and {BAC} gained <BAC.change.previous_close> since the previous close",
        "{BAC} gained deux <BAC.change.previous_close> since the previous close",
        "{AAPL} is down <AAPL.change.previous_close> so far in this session",
    ],
    "digit": [
        "{BAC} gained 2.48% since the previous close",
        "{BAC} gained <BAC.change.previous_close> since the previous close, or \u0661.\u0664",
        "{BAC} gained <BAC.change.previous_close> \u00bd since the previous close",
        "{BAC} gained <BAC.change.previous_close> \u2163 since the previous close",
        "{BAC} gained <BAC.change.previous_close> \u4e09 since the previous close",
    ],
    "character": [
        "{BAC} gained <BAC.change.previous_close> since the previous close <b>",
        "{BAC} gain\u0435d <BAC.change.previous_close> since the previous close",
        "{BAC} gained <BAC.change.previous_close> since the previous close | up",
        "{BAC}} gained <BAC.change.previous_close> since the previous close",
    ],
    "slot": [
        "{BAC} gained {f999} since the previous close",
        "{ENRN} gained <BAC.change.previous_close> since the previous close",
        "{BAC} gained {f1 } since the previous close",
        "{BAC} gained {AAPL} since the previous close <BAC.change.previous_close>",
    ],
    "no-figure": ["{BAC} gained since the previous close", "stocks rose since the previous close"],
    "empty": ["", " . "],
}
EXACT = {"size", "moment", "comparison", "digit", "character", "empty", "no-figure"}
"""Kinds whose code is always the reason; others may fit a frame of another metric better, or none."""
CASES = [(code, text) for code, texts in FALSE.items() for text in texts]


def test_there_are_more_than_a_hundred_false_sentences() -> None:
    """Of many kinds."""
    assert len(CASES) > 125


@pytest.mark.parametrize(("code", "text"), CASES)
def test_a_false_sentence_is_refused(code: str, text: str) -> None:
    """Whatever it claims, with a reason that its writer can act on."""
    facts = market_facts(3)
    found = parse(with_ids(text, facts), facts)

    assert isinstance(found, list), found
    assert all(violation.detail for violation in found)
    if code in EXACT:
        assert code in {violation.code for violation in found}, found


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
            assert "previous close" in frame or "{p}" in frame or "end of last week" in frame, frame


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
