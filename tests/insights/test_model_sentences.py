"""A model's words for stories: read however they are presented, reviewed, repaired once, else the rules' words stay."""

import asyncio

import pytest

from functions.insights.generation import llm
from functions.insights.generation.editor import Choice, choose
from functions.insights.generation.model_sentences import write_sentences
from functions.insights.generation.prompt import INSTRUCTIONS, estimate_tokens, facts_prompt
from functions.insights.generation.result import ModelRun
from functions.insights.settings import ModelSettings
from functions.insights.text.parser import Sentence, parse
from shared.runtime.settings import Secret
from tests.fakes.language_model import faults
from tests.fakes.language_model.server import Fake, serving
from tests.insights.hours import market_facts, market_hour

APIS = ("responses", "chat")
FACTS = market_facts(3)
CHOICES = choose(market_hour(3), FACTS)
REFUSED = {
    "digits": "digit",
    "unicode_digits": "digit",
    "number_words": "word",
    "unknown_ids": "slot",
    "unknown_tickers": "slot",
    "names": "word",
    "wrong_sign": "direction",
    "superlatives": "word",
    "time_words": "word",
    "causes": "word",
    "approximations": "word",
    "markup": "character",
    "prompt_echo": "word",
    "second_clause": "word",
    "nul": "character",
    "empty": "missing",
    "too_few": "missing",
    "repeated": "other-story",
    "ignore_schema": "missing",
    "other_schema": "missing",
}
"""Words of the review for each fault in a model's text."""
GIVEN_UP = {
    "refuse": "refused",
    "401": "http-401",
    "429": "http-429",
    "500": "http-500",
    "503": "http-503",
    "reset": "unreachable",
    "html": "unreadable",
    "not_json": "unreadable",
    "context": "context",
}
"""Faults after which no second call is made, and the outcome."""


@pytest.fixture
def fake() -> Fake:
    """A model, and nothing known of its server."""
    llm._servers.clear()
    return Fake()


def settings(url: str, **changes: object) -> ModelSettings:
    """Settings with the server at *url*."""
    given = {"openai_api_key": Secret("sk-fake-0123456789"), "openai_base_url": url, "insights_model": "fake-1"}
    return ModelSettings(**{**given, "insights_timeout_seconds": 20, **changes})  # pyright: ignore


def words_of(
    fake: Fake, choices: list[Choice] = CHOICES, calls: int = 2, *, choose: bool = False, **changes: object
) -> ModelRun:
    """Return what the model makes of the stories of an hour."""

    async def may_call() -> bool:
        nonlocal calls
        calls -= 1
        return calls >= 0

    with serving(fake) as url:
        return asyncio.run(write_sentences(choices, FACTS, settings(url, **changes), may_call, choose=choose))


def assert_published_words_are_true(run: ModelRun) -> None:
    """Every sentence parses, and there is one for each story."""
    assert len(run.insights) == len(CHOICES)
    for insight in run.insights:
        assert isinstance(parse(insight.template, FACTS), Sentence)


@pytest.mark.parametrize("api", APIS)
def test_good_words_are_taken_at_once(fake: Fake, api: str) -> None:
    """One call; its words, with tickers and sentiment derived by code; tokens counted."""
    run = words_of(fake, insights_api=api)

    assert (run.accepted, run.fallen_back, run.outcome, len(fake.calls)) == (len(CHOICES), 0, "answered", 1)
    assert {insight.generator for insight in run.insights} == {"model"}
    assert [insight.tickers for insight in run.insights] == [choice.insight.tickers for choice in CHOICES]
    assert run.tokens_in
    assert run.tokens_out
    assert_published_words_are_true(run)


def test_a_weak_model_chooses_among_sentences_at_once(fake: Fake) -> None:
    """The first call lists them, and its schema allows no others."""
    run = words_of(fake, choose=True)
    body = str(fake.calls[0]["body"])

    assert (run.accepted, len(fake.calls)) == (len(CHOICES), 1)
    assert "'enum'" in body
    assert "copied exactly" in body


@pytest.mark.parametrize("kind", sorted(faults.SHAPES))
def test_an_answer_is_read_however_it_is_presented(fake: Fake, kind: str) -> None:
    """Fenced, after a preamble or a thought, as a list, as lines: the same sentences, in one call."""
    fake.misbehave(kind)
    run = words_of(fake)

    assert (run.accepted, len(fake.calls)) == (len(CHOICES), 1)


@pytest.mark.parametrize("kind", faults.PLACES)
def test_an_answer_is_read_wherever_a_server_puts_it(fake: Fake, kind: str) -> None:
    """In parts of content, in a tool call, as reasoning."""
    fake.misbehave(kind)

    assert words_of(fake, insights_api="chat").accepted == len(CHOICES)


@pytest.mark.parametrize(("kind", "code"), REFUSED.items())
def test_false_words_are_refused_and_the_rules_words_stay(fake: Fake, kind: str, code: str) -> None:
    """Two calls at most, the reason counted, and a true sentence for each story."""
    fake.misbehave(kind)
    run = words_of(fake)

    assert run.accepted < len(CHOICES)
    assert code in run.reasons
    assert len(fake.calls) == 2
    assert_published_words_are_true(run)


@pytest.mark.parametrize(
    "kind", ["digits", "wrong_sign", "one_bad", "empty", "ignore_schema", "no_content", "truncate"]
)
def test_a_refused_sentence_is_repaired_once(fake: Fake, kind: str) -> None:
    """The repair prompt says what was wrong, and the model chooses among sentences that are right."""
    fake.misbehave(kind, times=1)
    run = words_of(fake)

    assert (run.accepted + run.repaired, run.fallen_back, len(fake.calls)) == (len(CHOICES), 0, 2)
    assert "Answer for these notes again" in str(fake.calls[1]["body"])


@pytest.mark.parametrize(("kind", "outcome"), GIVEN_UP.items())
def test_a_server_that_fails_is_not_asked_again(fake: Fake, kind: str, outcome: str) -> None:
    """The outcome is stored with what to do, and all words are the rules'."""
    fake.misbehave(kind)
    run = words_of(fake)

    assert run.outcome == outcome
    assert (run.fallen_back, run.model) == (len(CHOICES), None)
    assert {insight.generator for insight in run.insights} == {"rules"}


def test_figures_and_tickers_that_are_written_out_become_slots(fake: Fake) -> None:
    """As small models do: each is the figure of its note, or the sentence is refused."""
    from functions.insights.generation.review import with_slots

    one = next(choice for choice in CHOICES if choice.candidate.subject)
    text = one.template
    for fact in one.candidate.cast.values():
        text = text.replace(f"{{{fact.id}}}", fact.text)
    text = text.replace(f"{{{one.candidate.subject}}}", f"{one.candidate.subject}")

    assert "{" not in text
    assert with_slots(text, one.candidate) == one.template


@pytest.mark.parametrize("kind", ["no_responses", "no_schema", "no_format", "new_limit"])
def test_what_a_server_lacks_is_found_by_trying(fake: Fake, kind: str) -> None:
    """Without an API named: /responses, then /chat/completions; a schema, then JSON, then plain text."""
    fake.misbehave(kind)
    api = "chat" if kind == "new_limit" else None
    run = words_of(fake, insights_api=api, insights_model=None)

    assert (run.accepted, run.model) == (len(CHOICES), "fake-1")


def test_a_server_that_needs_no_key_is_asked(fake: Fake) -> None:
    """A base URL alone is enough."""
    assert ModelSettings(openai_base_url="http://127.0.0.1:1/v1").has_model
    assert words_of(fake, openai_api_key=None).accepted == len(CHOICES)


@pytest.mark.parametrize("kind", ["loading", "retry_after"])
def test_a_server_that_is_not_ready_is_asked_again(fake: Fake, kind: str) -> None:
    """While it loads its model, or after the pause that it asks for."""
    fake.misbehave(kind, times=1)

    assert words_of(fake, calls=1).accepted == len(CHOICES)


def test_a_base_url_without_its_version_is_named(fake: Fake) -> None:
    """404 for everything: the advice says what is missing."""

    async def may_call() -> bool:
        return True

    with serving(fake) as url:
        given = settings(url.removesuffix("/v1"))
        run = asyncio.run(write_sentences(CHOICES, FACTS, given, may_call))

    assert (run.outcome, run.advice) == ("http-404", "no /v1 in the base URL")


def test_the_advice_names_the_size_of_the_context(fake: Fake) -> None:
    """In the server's own figure."""
    fake.misbehave("context")

    assert "context of 2,048" in words_of(fake).advice


def test_a_model_that_stalls_is_given_up_in_time(fake: Fake) -> None:
    """After the time-out for both calls."""
    fake.misbehave("stall", seconds=8)
    run = words_of(fake, insights_timeout_seconds=1.5)

    assert run.outcome == "timeout"
    assert run.seconds < 7


def test_a_prompt_is_short_and_holds_no_name() -> None:
    """About five hundred tokens for an hour's stories."""
    assert estimate_tokens(INSTRUCTIONS, facts_prompt(CHOICES, FACTS)) < 700
