"""Limits on logins and registrations: they stop guesses and never lock the owner out."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.accounts import PASSWORD, Tokens, serving_tokens

pytestmark = pytest.mark.usefixtures("still_minute")


def log_in_from(tokens: Tokens, address: str, name: str, password: str = PASSWORD) -> httpx.Response:
    """The answer to a login from a client address."""
    form = {"username": name, "password": password}
    return tokens.client.post("/token", data=form, headers={"X-Forwarded-For": address})


def test_wrong_passwords_are_limited_by_account_and_address(database_url: str, redis_url: str) -> None:
    """After a few wrong passwords an address gets 429 for that account in every copy; the owner elsewhere does not."""
    with (
        serving_tokens(database_url, redis_url, LOGIN_ATTEMPTS="3") as one,
        serving_tokens(database_url, redis_url, LOGIN_ATTEMPTS="3") as other,
    ):
        for name in ("victim", "other"):
            one.register(f"{name}@example.com", username=name)
        right = [log_in_from(one, "192.0.2.1", "victim").status_code for _ in range(5)]
        guesses = ((one, "victim"), (other, "VICTIM@example.com"), (other, "victim"))
        wrong = [log_in_from(copy, "192.0.2.1", name, "not it").status_code for copy, name in guesses]
        refused = [log_in_from(copy, "192.0.2.1", "victim") for copy in (one, other)]
        untouched = log_in_from(other, "192.0.2.1", "other").status_code
        owner = log_in_from(one, "192.0.2.2", "victim").status_code

    assert right == [200] * 5
    assert wrong == [401] * 3
    assert [answer.status_code for answer in refused] == [429, 429]
    assert 0 < int(refused[0].headers["retry-after"]) <= 300
    assert (untouched, owner) == (200, 200)


def test_right_passwords_at_once_are_not_wrong(database_url: str, redis_url: str) -> None:
    """Twenty logins with the right password at the same moment succeed with a limit of two wrong ones."""
    with serving_tokens(database_url, redis_url, LOGIN_ATTEMPTS="2") as tokens, ThreadPoolExecutor(20) as threads:
        tokens.register("crowd@example.com")
        statuses = [*threads.map(lambda _: tokens.log_in("crowd@example.com").status_code, range(20))]

    assert statuses == [200] * 20


def test_wrong_passwords_at_once_do_not_exceed_the_limit(database_url: str, redis_url: str) -> None:
    """Of twenty guesses at the same moment only as many are verified as the limit allows."""
    with serving_tokens(database_url, redis_url, LOGIN_ATTEMPTS="3") as tokens, ThreadPoolExecutor(20) as threads:
        tokens.register("victim@example.com")
        statuses = [*threads.map(lambda n: tokens.log_in("victim@example.com", f"guess {n}").status_code, range(20))]

    assert (statuses.count(401), statuses.count(429)) == (3, 17)


def test_an_attack_from_many_addresses_leaves_each_one_try(database_url: str, redis_url: str) -> None:
    """After ten times the limit from all addresses, a new address gets one try: enough for the owner."""
    with serving_tokens(database_url, redis_url, LOGIN_ATTEMPTS="1") as tokens:
        tokens.register("victim@example.com")
        for number in range(10):
            log_in_from(tokens, f"192.0.2.{number}", "victim@example.com", "not it")
        owner = [log_in_from(tokens, "198.51.100.1", "victim@example.com").status_code for _ in range(3)]
        attacker = [log_in_from(tokens, "198.51.100.2", "victim@example.com", "not it").status_code for _ in range(3)]

    assert owner == [200] * 3
    assert attacker == [401, 429, 429]


def test_an_address_has_limits_for_all_accounts(database_url: str, redis_url: str) -> None:
    """Logins and registrations of one client address are limited, whatever the account."""
    limits = {"LOGIN_ATTEMPTS_PER_ADDRESS": "4", "REGISTRATIONS_PER_ADDRESS": "2"}
    with serving_tokens(database_url, redis_url, **limits) as tokens:
        logins = [tokens.log_in(f"nobody{number}", "not it").status_code for number in range(6)]
        registrations = [tokens.register(f"nobody{number}@example.com").status_code for number in range(3)]
        elsewhere = log_in_from(tokens, "192.0.2.7", "x", "y")

    assert logins == [401] * 4 + [429] * 2
    assert registrations == [201, 201, 429]
    assert elsewhere.status_code == 401


@pytest.mark.parametrize(
    ("settings", "invite", "status"),
    [
        ({"REGISTRATION": "closed"}, "", 403),
        ({"REGISTRATION": "invite", "REGISTRATION_INVITES": "first-invitation,second-invitation"}, "", 403),
        ({"REGISTRATION": "invite", "REGISTRATION_INVITES": "first-invitation,second-invitation"}, "wrong", 403),
        ({"REGISTRATION": "invite", "REGISTRATION_INVITES": "first-invitation,second-invitation"},
         "second-invitation", 201),
    ],
)  # fmt: skip
def test_the_operator_may_restrict_registration(
    database_url: str, redis_url: str, settings: dict[str, str], invite: str, status: int
) -> None:
    """Registration is open, by invite, or closed."""
    with serving_tokens(database_url, redis_url, **settings) as tokens:
        assert tokens.register("new@example.com", invite=invite).status_code == status
