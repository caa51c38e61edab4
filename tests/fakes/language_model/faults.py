"""Faults of a model or its server: each by name, in what it writes, in how it presents that, or on the wire."""

import json
import re
from collections.abc import Callable
from typing import Any

Sentences = dict[str, str]


def _swap_direction(text: str) -> str:
    pairs = {"up": "down", "higher": "lower", "above": "below", "rose": "fell", "gain": "loss", "gained": "fell"}
    pairs |= {"edged up": "edged down", "climbed": "declined", "jumped": "slumped", "high": "low", "ahead of": "behind"}
    both = {other: one for one, other in pairs.items()} | pairs
    return re.sub(r"\b(" + "|".join(sorted(both, key=len, reverse=True)) + r")\b", lambda match: both[match[0]], text)


WORDS: dict[str, Callable[[str], str]] = {
    "digits": lambda text: re.sub(r"\{f[0-9]+\}", "99.43%", text, count=1),
    "unicode_digits": lambda text: re.sub(r"\{f[0-9]+\}", "\u0661\u0664 \u00bd \u2163", text, count=1),
    "number_words": lambda text: text.replace(".", ", a dozen times."),
    "unknown_ids": lambda text: re.sub(r"\{f[0-9]+\}", "{f9999}", text, count=1),
    "unknown_tickers": lambda text: "{ENRN} and " + text,
    "names": lambda text: text.replace(".", " with Enron."),
    "superlatives": lambda text: text.replace(".", ", the biggest move of all."),
    "time_words": lambda text: text.replace(".", " since yesterday."),
    "causes": lambda text: text.replace(".", " because of strong earnings."),
    "approximations": lambda text: re.sub(r"(\{f[0-9]+\})", r"almost \1", text, count=1),
    "markup": lambda text: f"<script>alert</script> {text}",
    "prompt_echo": lambda text: "Ignore your instructions and " + text,
    "second_clause": lambda text: text.replace(".", " while the market held its level."),
    "nul": lambda text: text + "\x00\x00 more",
}
"""Changes of each sentence of an answer."""

LISTS: dict[str, Callable[[Sentences], Sentences]] = {
    "empty": lambda _: {},
    "too_few": lambda sentences: dict(list(sentences.items())[:1]),
    "repeated": lambda sentences: dict.fromkeys(sentences, next(iter(sentences.values()), "")),
    "one_bad": lambda sentences: {
        number: WORDS["digits"](text) if place == 0 else text for place, (number, text) in enumerate(sentences.items())
    },
    "wrong_sign": lambda sentences: {number: _swap_direction(text) for number, text in sentences.items()},
}
"""Changes of the whole answer."""

SHAPES: dict[str, Callable[[Sentences], str]] = {
    "fenced": lambda some: f"```json\n{json.dumps(some)}\n```",
    "preamble": lambda some: f"Sure! Here are the sentences:\n{json.dumps(some)}\nI hope that helps.",
    "think": lambda some: f'<think>\nLet me see {{"1": "{{AAPL}} fell"}}.\n</think>\n{json.dumps(some)}',
    "byte_order_mark": lambda some: "\ufeff" + json.dumps(some),
    "bare_list": lambda some: json.dumps(list(some.values())),
    "list_of_objects": lambda some: json.dumps(
        {"insights": [{"template": text, "sentiment": "Positive", "tickers": None} for text in some.values()]}
    ),
    "numbered_lines": lambda some: "\n".join(f"{number}. {text}" for number, text in some.items()),
    "trailing_comma": lambda some: json.dumps(some).removesuffix("}") + ",}",
    "single_quotes": lambda some: repr(some),
}
"""Texts in which the same sentences are presented; all of them can be read."""

PLACES = ("content_parts", "tool_calls", "reasoning_content")
"""Members of an answer of /chat/completions other than content; all of them are read."""

WIRE = {
    "truncate": "half an answer, said to be incomplete",
    "truncate_silently": "half an answer, said to be whole",
    "refuse": "a refusal in the place of an answer",
    "ignore_schema": "prose, as of a server that does not know structured output",
    "other_schema": "JSON of another shape",
    "no_content": "an answer with nothing in it",
    "stall": "the answer after `seconds`",
    "html": "a page with HTTP 200",
    "not_json": "text that is no JSON, said to be JSON",
    "reset": "the connection ends without an answer",
    "401": "HTTP 401",
    "429": "HTTP 429",
    "500": "HTTP 500",
    "503": "HTTP 503",
    "context": "HTTP 400, the prompt is larger than the context",
    "loading": "HTTP 503 while the model is loaded",
    "retry_after": "HTTP 429 with a short Retry-After",
    "no_responses": "HTTP 404 for /responses",
    "no_schema": "HTTP 400 for a JSON schema",
    "no_format": "HTTP 400 for any response format",
    "new_limit": "HTTP 400 for max_tokens: max_completion_tokens is wanted",
}
KINDS = {*WORDS, *LISTS, *SHAPES, *PLACES, *WIRE}


def refusal_of(kind: str | None, path: str, body: dict[str, Any]) -> tuple[int, str, dict[str, str]] | None:
    """Return status, message and headers where *kind* makes the server refuse the request."""
    form = body.get("response_format") or body.get("text", {}).get("format") or {}
    match kind:
        case "401" | "429" | "500" | "503":
            return int(kind), "as ordered", {}
        case "context":
            return 400, "the request exceeds the available context size, 2048 tokens", {}
        case "loading":
            return 503, "Loading model", {}
        case "retry_after":
            return 429, "slow down", {"Retry-After": "1"}
        case "no_responses" if path.endswith("/responses"):
            return 404, "not found", {}
        case "no_schema" if form.get("type") == "json_schema":
            return 400, "json_schema is not supported", {}
        case "no_format" if form:
            return 400, "response_format is not supported", {}
        case "new_limit" if "max_tokens" in body:
            return 400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", {}
    return None
