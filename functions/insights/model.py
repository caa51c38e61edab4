"""The model behind OpenAI's SDK, or any server that speaks its wire format; loaded for a generation alone."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import openai
from openai import AsyncOpenAI
from pydantic import BaseModel, ValidationError

from functions.insights.check import Draft
from functions.insights.prompt import INSTRUCTIONS
from functions.insights.settings import Model
from functions.insights.telling import Usage


class Proposal(BaseModel):
    """An insight as the model gives it."""

    template: str
    sentiment: Literal["positive", "negative", "neutral"]
    tickers: list[str]


class Proposals(BaseModel):
    """What the model gives: the schema that is sent to it."""

    insights: list[Proposal]


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model proposes, as it wrote it, and what that took."""

    drafts: Sequence[Draft]
    text: str
    usage: Usage


class ModelError(Exception):
    """The model gave nothing to check; the message is a short stable reason."""

    def __init__(self, reason: str, usage: Usage | None = None) -> None:
        super().__init__(reason)
        self.usage = usage or Usage()


async def ask(settings: Model, conversation: Sequence[Turn], seconds: float) -> Answer:
    """Return what the model answers within *seconds*; ModelError for everything that can go wrong with it."""
    assert settings.openai_api_key, "who has no key asks no model"  # noqa: S101
    client = AsyncOpenAI(
        api_key=settings.openai_api_key.reveal(),
        base_url=settings.openai_base_url,
        timeout=seconds,
        max_retries=0,  # calls are counted, and the rules wait
    )
    try:
        async with asyncio.timeout(seconds), client:
            call = _responses if settings.insights_api == "responses" else _chat
            return await call(client, settings, conversation)
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(_reason(error)) from error


async def _responses(client: AsyncOpenAI, settings: Model, conversation: Sequence[Turn]) -> Answer:
    raw = await client.responses.with_raw_response.parse(
        model=settings.insights_model,
        instructions=INSTRUCTIONS,
        input=[{"role": turn.role, "content": turn.text} for turn in conversation],
        text_format=Proposals,
        max_output_tokens=settings.insights_max_tokens,
        store=False,
    )
    # Half an answer does not parse: whether it is one has to be seen before.
    if '"incomplete"' in raw.http_response.text and raw.http_response.json().get("status") == "incomplete":
        raise ModelError("truncated")
    response = raw.parse()
    usage = Usage(response.usage.input_tokens, response.usage.output_tokens) if response.usage else Usage()
    refused = any(part.type == "refusal" for item in response.output if item.type == "message" for part in item.content)
    if refused:
        raise ModelError("refused", usage)
    return _answer(response.output_parsed, response.output_text, usage)


async def _chat(client: AsyncOpenAI, settings: Model, conversation: Sequence[Turn]) -> Answer:
    turns: list[Any] = [{"role": turn.role, "content": turn.text} for turn in conversation]
    completion = await client.chat.completions.parse(
        model=settings.insights_model,
        messages=[{"role": "system", "content": INSTRUCTIONS}, *turns],
        response_format=Proposals,
        # The older name: this is the API of servers that are not OpenAI's. For the same reason nothing is said of
        # storing, which is off here unless it is asked for.
        max_tokens=settings.insights_max_tokens,
    )
    usage = Usage(completion.usage.prompt_tokens, completion.usage.completion_tokens) if completion.usage else Usage()
    message = completion.choices[0].message
    if message.refusal:
        raise ModelError("refused", usage)
    return _answer(message.parsed, message.content or "", usage)


def _answer(proposals: Proposals | None, text: str, usage: Usage) -> Answer:
    if proposals is None:
        raise ModelError("no-answer", usage)
    drafts = [Draft(one.template, one.sentiment, tuple(one.tickers)) for one in proposals.insights]
    return Answer(drafts, text, usage)


def _reason(error: Exception) -> str:
    """Return a short stable reason for *error*, without a word of what a server sent."""
    match error:
        case openai.APITimeoutError() | TimeoutError():
            return "timeout"
        case openai.APIStatusError():
            return f"http-{error.status_code}"
        case openai.APIConnectionError():
            return "unreachable"
        case openai.LengthFinishReasonError():
            return "truncated"
        case openai.ContentFilterFinishReasonError():
            return "refused"
        case ValidationError():
            return "not-the-schema"
        case _:
            return "unreadable"
