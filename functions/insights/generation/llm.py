"""Model client: OpenAI's SDK against any server with its wire format; loaded for a generation alone.

What a server lacks is found by trying: /responses, then /chat/completions; a strict schema, then a JSON object, then
plain text; `max_tokens`, then `max_completion_tokens`. What worked is remembered for the process.
"""

import asyncio
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal, NamedTuple

import openai
from openai import AsyncOpenAI

from functions.insights.generation.answer import is_refusal, is_truncated, texts_of, tokens_of
from functions.insights.settings import ModelSettings

_logger = logging.getLogger(__name__)
_LOADING_PAUSE, _LONGEST_PAUSE = 2.0, 30.0
_LOADING = re.compile(r"loading|warming|starting", re.IGNORECASE)
_CONTEXT = re.compile(r"context|n_ctx|too (?:long|large|many tokens)|exceed", re.IGNORECASE)
_FORMATS = ("schema", "object", "plain")
_REFUSED_FORM = (400, 404, 405, 415, 422, 500, 501)
"""Status codes of a server that lacks an API or a format."""


class ChatMessage(NamedTuple):
    """One turn of the conversation."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Completion:
    """Completion of the model, with its token usage."""

    text: str
    model: str
    tokens_in: int | None
    tokens_out: int | None


class ModelError(Exception):
    """The model returned nothing to review; the message is a short stable reason, *advice* the remedy."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.advice = advice


class _Form(NamedTuple):
    """Request form: the API, the response format, and the name of the token limit."""

    api: Literal["responses", "chat"]
    format: str
    limit: str


@dataclass
class _Server:
    """State of one server: the request form that worked, and its model."""

    form: _Form | None = None
    model: str | None = None
    refused: set[_Form] = field(default_factory=set)


_servers: dict[tuple[str | None, str | None, str | None], _Server] = {}


async def complete(
    settings: ModelSettings, messages: Sequence[ChatMessage], schema: Mapping[str, Any], seconds: float
) -> Completion:
    """Return the answer of the model within *seconds*; ModelError for every failure of it."""
    server = _servers.setdefault((settings.openai_base_url, settings.insights_model, settings.insights_api), _Server())
    client = AsyncOpenAI(
        # Servers that need no key get a word: the SDK insists on one.
        api_key=settings.openai_api_key.reveal() if settings.openai_api_key else "none",
        base_url=settings.openai_base_url,
        timeout=seconds,
        max_retries=0,  # calls are counted
    )
    try:
        async with asyncio.timeout(seconds), client:
            return await _climb(client, settings, server, messages, schema, monotonic() + seconds)
    except ModelError:
        raise
    except Exception as error:
        raise _model_error(error, settings) from error


async def _climb(
    client: AsyncOpenAI,
    settings: ModelSettings,
    server: _Server,
    messages: Sequence[ChatMessage],
    schema: Mapping[str, Any],
    ends: float,
) -> Completion:
    """Ask in the form that worked before, else in each that the server may have."""
    if server.model is None:
        server.model = settings.default_model or await _first_model(client)
    last: openai.APIStatusError | None = None
    for form in [server.form] if server.form else list(_forms(settings)):
        if form in server.refused or _is_hopeless(form, last):
            continue
        try:
            body = await _ask(client, form, server.model, settings.insights_max_tokens, messages, schema, ends)
        except openai.APIStatusError as error:
            if error.status_code not in _REFUSED_FORM or _CONTEXT.search(_words(error)):
                raise
            last = error
            server.form = None
            continue
        server.form = form
        return _completion(body, server.model)
    if last is None:
        raise ModelError("unreadable", "restart the function: the server refused every form before")
    raise last


def _forms(settings: ModelSettings) -> Iterator[_Form]:
    foreign = settings.openai_base_url is not None
    apis = (settings.insights_api,) if settings.insights_api else ("responses", "chat") if foreign else ("responses",)
    for api in apis:
        limits = ("max_output_tokens",) if api == "responses" else ("max_tokens", "max_completion_tokens")
        for name in _FORMATS:
            for limit in limits:
                yield _Form(api, name, limit)


def _is_hopeless(form: _Form, last: openai.APIStatusError | None) -> bool:
    """Return whether the *last* refusal already answers for *form*."""
    if last is None:
        return False
    path = str(last.request.url)
    if last.status_code in (404, 405, 501):
        return ("responses" in path) == (form.api == "responses")
    if last.status_code == 500 and form.format != "plain":
        return True
    wants_other_limit = "max_completion_tokens" in _words(last)
    return form.limit == "max_completion_tokens" and not wants_other_limit


async def _first_model(client: AsyncOpenAI) -> str:
    """Return the first model that the server lists."""
    raw = await client.models.with_raw_response.list()
    data = raw.http_response.json().get("data") or []
    names = [item["id"] for item in data if isinstance(item, dict) and isinstance(item.get("id"), str)]
    if not names:
        raise ModelError("no-model", "set INSIGHTS_MODEL: the server lists no model")
    return names[0]


async def _ask(
    client: AsyncOpenAI,
    form: _Form,
    model: str,
    most: int,
    messages: Sequence[ChatMessage],
    schema: Mapping[str, Any],
    ends: float,
) -> Any:
    """Return the JSON of one answer; retry while a server loads its model or wants a short pause."""
    retried = False
    while True:
        try:
            raw = await _post(client, form, model, most, messages, schema)
            return raw.http_response.json()
        except openai.APIStatusError as error:
            pause = _pause(error)
            loading = error.status_code == 503 and bool(_LOADING.search(_words(error)))
            if pause is None or (retried and not loading) or monotonic() + pause >= ends:
                raise
            retried = True
            await asyncio.sleep(pause)


def _post(
    client: AsyncOpenAI, form: _Form, model: str, most: int, messages: Sequence[ChatMessage], schema: Mapping[str, Any]
) -> Any:
    strict = {"name": "sentences", "strict": True, "schema": schema}
    turns: list[Any] = [{"role": message.role, "content": message.text} for message in messages]
    if form.api == "responses":
        text = {"schema": {"type": "json_schema", **strict}, "object": {"type": "json_object"}}.get(form.format)
        extra: dict[str, Any] = {"text": {"format": text}} if text else {}
        return client.responses.with_raw_response.create(
            model=model,
            instructions=turns[0]["content"],
            input=turns[1:],
            max_output_tokens=most,
            store=False,
            **extra,
        )
    formats = {"schema": {"type": "json_schema", "json_schema": strict}, "object": {"type": "json_object"}}
    extra = {"response_format": formats[form.format]} if form.format in formats else {}
    return client.chat.completions.with_raw_response.create(model=model, messages=turns, **{form.limit: most}, **extra)


def _completion(body: Any, model: str) -> Completion:
    texts = texts_of(body)
    if is_refusal(body):
        raise ModelError("refused", "the model refuses to answer: use another one")
    if not texts:
        raise ModelError("truncated" if is_truncated(body) else "no-answer", "raise INSIGHTS_MAX_TOKENS")
    return Completion("\n".join(texts[:1]), model, *tokens_of(body))


def _pause(error: openai.APIStatusError) -> float | None:
    """Return how long to wait before another try, None where another is useless."""
    if error.status_code == 503 and _LOADING.search(_words(error)):
        return _LOADING_PAUSE
    try:
        seconds = float(error.response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if error.status_code in (429, 503) and 0 <= seconds <= _LONGEST_PAUSE else None


def _words(error: openai.APIStatusError) -> str:
    return error.response.text[:2000]


def _model_error(error: Exception, settings: ModelSettings) -> ModelError:
    """Return a short stable reason and advice; the server's own words go to the log, cleaned."""
    match error:
        case openai.APITimeoutError() | TimeoutError():
            return ModelError("timeout", "raise INSIGHTS_TIMEOUT_SECONDS or take a smaller model")
        case openai.APIStatusError():
            words = re.sub(r"[^ -~]+", " ", _words(error))[:200]
            _logger.warning("the model's server answered %d: %s", error.status_code, _masked(words, settings))
            return _status_error(error, settings)
        case openai.APIConnectionError():
            return ModelError("unreachable", "check OPENAI_BASE_URL and that the server runs")
        case _:
            return ModelError("unreadable", "check that OPENAI_BASE_URL is an API and not a page")


def _status_error(error: openai.APIStatusError, settings: ModelSettings) -> ModelError:
    code = error.status_code
    words = _words(error)
    if code in (400, 413, 500) and _CONTEXT.search(words):
        sizes = re.findall(r"\b[0-9]{3,6}\b", words)
        size, unit = (f" of {min(map(int, sizes)):,}", " tokens") if sizes else ("", "")
        return ModelError("context", f"prompt larger than the context{size}{unit}: start the server with a larger one")
    if code == 404 and settings.openai_base_url and not settings.openai_base_url.rstrip("/").endswith("/v1"):
        return ModelError(f"http-{code}", "no /v1 in the base URL")
    advice = {401: "check OPENAI_API_KEY", 404: "check INSIGHTS_MODEL", 429: "the server's rate or spending limit"}
    return ModelError(f"http-{code}", advice.get(code, "see the server's message in the log"))


def _masked(words: str, settings: ModelSettings) -> str:
    key = settings.openai_api_key.reveal() if settings.openai_api_key else ""
    words = words.replace(key, "***") if key else words
    return re.sub(r"\b(?:sk|key|tok)[-_][A-Za-z0-9*_-]{4,}", "***", words)
