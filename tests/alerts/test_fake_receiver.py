"""The receiver of the local fake: what alerts send in a run against the fakes can be seen there."""

import httpx

from tests.alerts_harness import Alerts, Owner
from tests.fake_vendors import vendors


def test_the_fake_shows_the_messages_it_took(alerts: Alerts, owner: Owner) -> None:
    """With the headers that sign them; DELETE forgets them."""
    with vendors() as fake:
        channel = owner.ask(
            "POST", "/alerts/channels", 201, json={"kind": "webhook", "name": "fake", "url": f"{fake.url}/hooks/me"}
        ).json()
        assert owner.ask("POST", f"/alerts/channels/{channel['id']}/test").json()["delivered"] is True
        shown = httpx.get(f"{fake.url}/hooks").json()
        httpx.delete(f"{fake.url}/hooks")
        after = httpx.get(f"{fake.url}/hooks").json()

    (message,) = shown["items"]
    assert (message["path"], message["body"]["type"]) == ("me", "alert.test")
    assert message["webhook-signature"].startswith("v1,")
    assert after == {"count": 0, "items": []}
