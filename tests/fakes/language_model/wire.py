"""The two shapes in which OpenAI's servers give an answer."""

from typing import Any


def as_response(body: dict[str, Any], text: str, usage: tuple[int, int], kind: str | None) -> dict[str, Any]:
    """Return *text* as /v1/responses answers; *usage* are tokens in and out, *kind* what goes wrong."""
    part: dict[str, Any] = {"type": "output_text", "text": text, "annotations": []}
    if kind == "refuse":
        part = {"type": "refusal", "refusal": "I cannot help with that."}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    cut = kind == "truncate"
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_790_000_000,
        "model": body["model"],
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "error": None,
        "instructions": None,
        "metadata": {},
        "output": [] if kind == "no_content" else [message],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": usage[0],
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": usage[1],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": sum(usage),
        },
    }


def as_completion(body: dict[str, Any], text: str, usage: tuple[int, int], kind: str | None) -> dict[str, Any]:
    """Return *text* as /v1/chat/completions answers; *usage* are tokens in and out, *kind* what goes wrong."""
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if kind == "refuse":
        message |= {"content": None, "refusal": "I cannot help with that."}
    if kind == "no_content":
        message["content"] = None
    if kind == "content_parts":
        message["content"] = [{"type": "text", "text": text[:9]}, {"type": "text", "text": text[9:]}]
    if kind == "tool_calls":
        call = {"name": "answer", "arguments": text}
        message |= {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": call}]}
    if kind == "reasoning_content":
        message |= {"content": "", "reasoning_content": text}
    ended = "length" if kind == "truncate" else "stop"
    return {
        "id": "chatcmpl_1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": body["model"],
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": ended,
            }
        ],
        "usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)},
    }
