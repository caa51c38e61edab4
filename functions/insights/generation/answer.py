"""Answers of models, read leniently: where a server puts the text, and which sentences are in it."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_MARK = re.compile(r"^\s*(?:[-*\u2022]|\(?\d{1,2}[.):])\s*")
_SENTENCE_KEYS = ("template", "sentence", "insight", "text", "wording")
_LIST_KEYS = ("insights", "sentences", "items", "answers", "notes")
_MOST = 20


class Proposal(NamedTuple):
    """A sentence, and the number of the note that it answers, if the model gave one."""

    note: int | None
    text: str


def read_proposals(text: str) -> list[Proposal]:
    """Return the sentences in *text*: JSON as far as it can be repaired, else one a line."""
    plain = _THOUGHT.sub(" ", text.lstrip("\ufeff").replace("\x00", " "))
    if "</think>" in plain:
        plain = plain.rsplit("</think>", 1)[1]
    found = list(_walk(_from_json(plain), None)) or list(_lines(plain))
    return [one for one in found if one.text.strip()][:_MOST]


def texts_of(body: Any) -> list[str]:
    """Return the texts of an answer of either API, the most likely one first."""
    found: list[str] = []
    for choice in _items(body, "choices"):
        message = choice.get("message") or {}
        found += _texts(message.get("content"))
        found += [_texts_of_call(call) for call in _items(message, "tool_calls")]
        found += _texts(message.get("reasoning_content")) + _texts(message.get("reasoning"))
    for item in _items(body, "output"):
        found += _texts(item.get("content")) + ([item["arguments"]] if isinstance(item.get("arguments"), str) else [])
    found += _texts(body.get("output_text") if isinstance(body, dict) else None)
    return [text for text in found if text.strip()]


def is_refusal(body: Any) -> bool:
    """Return whether the model refused to answer."""
    messages = [choice.get("message") or {} for choice in _items(body, "choices")]
    parts = [part for item in _items(body, "output") for part in _items(item, "content")]
    return any(message.get("refusal") for message in messages) or any(part.get("type") == "refusal" for part in parts)


def is_truncated(body: Any) -> bool:
    """Return whether the answer ended at its limit of tokens."""
    ends = [choice.get("finish_reason") for choice in _items(body, "choices")]
    return "length" in ends or (isinstance(body, dict) and body.get("status") == "incomplete")


def tokens_of(body: Any) -> tuple[int | None, int | None]:
    """Return the tokens in and out, None where the server does not say."""
    usage = body.get("usage") if isinstance(body, dict) else None
    if not isinstance(usage, dict):
        return None, None
    counts = [usage.get(new, usage.get(old)) for new, old in _USAGE]
    return tuple(count if isinstance(count, int) and 0 <= count < 2**31 else None for count in counts)  # pyright: ignore


_USAGE = (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens"))


def _from_json(text: str) -> Any:
    if not re.search(r'[\[{]\s*["\'\[{]', text):  # a slot such as {f1} is no JSON
        return None
    # It takes longer to load than the rest of the function: only when there is an answer.
    import json_repair

    start = re.search(r'[\[{]\s*["\'\[{]', text)
    try:
        return json_repair.loads(text[start.start() if start else 0 :])
    except (ValueError, RecursionError):
        return None


def _walk(value: Any, note: int | None) -> Iterator[Proposal]:
    """Yield the sentences in a JSON value: a list, an object by note, or objects with a sentence each."""
    if isinstance(value, str):
        yield Proposal(note, _MARK.sub("", value))
    elif isinstance(value, list):
        for number, item in enumerate(value, 1):
            yield from _walk(item, note or number)
    elif isinstance(value, dict):
        sentence = next((value[key] for key in _SENTENCE_KEYS if isinstance(value.get(key), str)), None)
        if sentence is not None:
            yield Proposal(note, _MARK.sub("", sentence))
            return
        for key, item in value.items():
            digits = re.search(r"[0-9]{1,2}", str(key))
            if digits:
                yield from _walk(item, int(digits[0]))
            elif key in _LIST_KEYS or isinstance(item, list | dict):
                yield from _walk(item, note)


def _lines(text: str) -> Iterator[Proposal]:
    for line in text.splitlines():
        number = re.match(r"\s*\(?([0-9]{1,2})[.):]", line)
        if "{f" in line or "%" in line or "$" in line:
            yield Proposal(int(number[1]) if number else None, _MARK.sub("", line).strip(' `"'))


def _texts(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else part for part in content]
        return ["".join(part for part in parts if isinstance(part, str))]
    return []


def _texts_of_call(call: dict[str, Any]) -> str:
    arguments = (call.get("function") or {}).get("arguments")
    return arguments if isinstance(arguments, str) else ""


def _items(body: Any, name: str) -> list[dict[str, Any]]:
    items = body.get(name) if isinstance(body, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
