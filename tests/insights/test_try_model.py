"""The verb try-model: one request with the settings of the environment, and words that say what to do."""

import asyncio
from argparse import Namespace
from pathlib import Path

import pytest

from functions.insights.settings import ModelSettings
from knative.stocksalot.model_verb import try_model
from tests.fakes.language_model.server import Fake, serving


def output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str, **more: str
) -> tuple[int, str]:
    """Return the exit code and what the verb prints."""
    for name, value in {
        "OPENAI_BASE_URL": url,
        "OPENAI_API_KEY": "",
        "INSIGHTS_MODEL": "",
        "INSIGHTS_API": "",
        **more,
    }.items():
        monkeypatch.setenv(name, value)
    code = asyncio.run(try_model(Namespace(), Path()))
    return code, capsys.readouterr().out


def test_each_verdict_is_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a model that has one sentence refused: the proposal, the reason, the count."""
    fake = Fake()
    fake.misbehave("one_bad", times=1)
    with serving(fake) as url:
        code, text = output(monkeypatch, capsys, url)

    assert code == 0
    assert "refused, story" in text
    assert "5 of 5 sentences accepted (1 after repair)" in text


@pytest.mark.parametrize(
    ("fault", "path", "advice"),
    [
        ("404", "", "no /v1 in the base URL"),
        ("context", "/v1", "prompt larger than the context of 2,048 tokens"),
        ("401", "/v1", "check OPENAI_API_KEY"),
    ],
)
def test_the_advice_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fault: str, path: str, advice: str
) -> None:
    """For a server with another address, context or key."""
    fake = Fake()
    if fault != "404":
        fake.misbehave(fault)
    with serving(fake) as url:
        code, text = output(monkeypatch, capsys, url.removesuffix("/v1") + path)

    assert code == 1
    assert advice in text


def test_without_a_model_it_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing, or the name of a model alone."""
    assert "OPENAI_BASE_URL" in output(monkeypatch, capsys, "")[1]
    assert "INSIGHTS_MODEL" in output(monkeypatch, capsys, "", INSIGHTS_MODEL="m")[1]


@pytest.mark.parametrize(
    "given", [{"insights_model": "m"}, {"insights_api": "chat"}, {"openai_base_url": "localhost:1"}]
)
def test_settings_that_are_half_right_are_refused(given: dict[str, str]) -> None:
    """A model or an API of no server, and a base URL without a scheme."""
    with pytest.raises(ValueError, match="OPENAI_BASE_URL"):
        ModelSettings(**given).check()  # pyright: ignore[reportArgumentType]
