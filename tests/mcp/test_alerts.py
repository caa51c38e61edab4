"""Alerts by an assistant: made with the token of an account, listed in words, refused with what to change."""

from typing import Any

import httpx

from tests.mcp.conftest import Assistant

PASSWORD = "correct horse battery staple"


def token(assistant: Assistant, name: str) -> str:
    """Return a login of a new account."""
    url, email = f"{assistant.system.url}/api", f"{name}@example.com"
    httpx.post(f"{url}/users/register", data={"email": email, "password": PASSWORD}, timeout=30).raise_for_status()
    answer = httpx.post(f"{url}/token", data={"username": email, "password": PASSWORD}, timeout=30)
    return answer.json()["access_token"]


def ask(assistant: Assistant, tool: str, bearer: str, **arguments: Any) -> Any:
    """Return the result of a tool that is called with a token."""
    return assistant.talk(lambda client: client.call_tool(tool, arguments), Authorization=f"Bearer {bearer}")


def test_an_assistant_makes_and_lists_alerts(assistant: Assistant) -> None:
    """The sentence of the new alert is that of the list; the tool that makes one does not claim to read."""
    bearer = token(assistant, "assistant")
    parts = {"kind": "change", "direction": "down", "basis": "previous_close", "amount": 3}
    made = ask(assistant, "set_alert", bearer, ticker="NVDA", repeat="session", **parts)
    listed = ask(assistant, "alerts", bearer)
    tools = {tool.name: tool for tool in assistant.talk(lambda client: client.list_tools()).tools}

    sentence = "Tell me when NVDA falls 3% or more below the previous close, once a session."
    assert sentence in made.content[0].text
    assert sentence in listed.content[0].text
    assert (tools["set_alert"].annotations.read_only_hint, tools["alerts"].annotations.read_only_hint) == (False, True)


def test_what_is_wrong_with_an_alert_is_said(assistant: Assistant) -> None:
    """A part that is missing is named; without a token the advice is to get one."""
    bearer = token(assistant, "mistaken")
    wrong = ask(assistant, "set_alert", bearer, ticker="NVDA", kind="price", direction="above")
    anonymous = assistant.call("alerts")

    assert wrong.is_error
    assert "amount is missing" in wrong.content[0].text
    assert anonymous.is_error
    assert "requires a token" in f"{anonymous.content[0]}"
