"""Lists belong to their account alone, and devices that change one at once lose nothing."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.accounts import PASSWORD, Person, Tokens, bearer


def test_a_list_is_made_shown_renamed_and_deleted(person: Person) -> None:
    """It holds its tickers in the order in which they were given."""
    made = person.ask("POST", "/lists", 201, json={"name": " Chips ", "tickers": ["NVDA", "avgo", "AMD"]})
    path = f"/{made.headers['location']}"
    shown = person.ask("GET", path).json()

    assert (shown["name"], shown["tickers"], shown["count"]) == ("Chips", ["NVDA", "AVGO", "AMD"], 3)
    assert person.ask("PATCH", path, json={"name": "Silicon"}).json()["name"] == "Silicon"
    assert person.ask("PATCH", path, json={"tickers": ["AMD", "NVDA", "AVGO"]}).json()["tickers"][0] == "AMD"
    assert person.ask("GET", "/lists").json()["items"][0] == person.ask("GET", path).json()
    person.ask("DELETE", path, 204)
    person.ask("GET", path, 404)
    assert person.ask("GET", "/lists").json() == {"count": 0, "items": []}


def test_the_exported_lists_can_be_imported(person: Person, tokens: Tokens) -> None:
    """The name and the tickers of each list, as /lists shows them, make the same list elsewhere."""
    _make(person, "One", "AAPL", "MSFT")
    _make(person, "Two", "NVDA")
    other = tokens.person("importer-of-lists")
    exported = [{"name": one["name"], "tickers": one["tickers"]} for one in _lists(person)]
    for one in exported:
        other.ask("POST", "/lists", 201, json=one)

    assert [{"name": one["name"], "tickers": one["tickers"]} for one in _lists(other)] == exported


def test_tickers_may_be_written_in_every_spelling(person: Person, database: str) -> None:
    """BRK-B and brk/b are BRK.B, FB is META; a ticker that is there keeps its place."""
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO tickers (ticker, name) VALUES ('BRK.B', 'Berkshire Hathaway')")
    made = _make(person, "Mixed", "AAPL", "BRK-B", "FB")
    added = person.ask("POST", f"/lists/{made['id']}/tickers", json={"tickers": ["brk/b", "META", "MSFT"]}).json()

    assert made["tickers"] == ["AAPL", "BRK.B", "META"]
    assert added["tickers"] == ["AAPL", "BRK.B", "META", "MSFT"]
    for spelling in ("BRK-B", "brk/b", "BRK.B"):  # the second and third find nothing to remove
        person.ask("DELETE", f"/lists/{made['id']}/tickers/{spelling}", 204)
    assert person.ask("GET", f"/lists/{made['id']}").json()["tickers"] == ["AAPL", "META", "MSFT"]


def test_an_unknown_ticker_keeps_no_other_out(person: Person) -> None:
    """It is returned with the reason, and one that is spelled alike."""
    made = _make(person, "Typos", "APPL", "MSFT", "<b>", "Ω")

    assert made["tickers"] == ["MSFT"]
    refused = {one["ticker"]: one["reason"] for one in made["refused"]}
    assert refused["APPL"].startswith("is not tracked here: did you mean AAPL")
    assert refused["<b>"] == refused["Ω"] == "should be a ticker such as AAPL or BRK.A"


def test_two_devices_that_add_at_once_both_keep_theirs(person: Person) -> None:
    """However their requests interleave, the list holds what each has added."""
    path = f"/lists/{_make(person, 'Both')['id']}"
    names = person.ask("POST", f"{path}/tickers", json={"tickers": ["AAPL"]}).json()["tickers"]
    with ThreadPoolExecutor(8) as pool:
        wanted = ["MSFT", "NVDA", "AMD", "AVGO", "META", "GOOGL", "AMZN", "TSLA", "JPM", "LLY", "V", "MA"]
        answers = pool.map(lambda one: person.ask("POST", f"{path}/tickers", json={"tickers": [one]}), wanted)
        assert all(one.status_code == 200 for one in answers)

    shown = person.ask("GET", path).json()["tickers"]
    assert sorted(shown) == sorted([*names, *wanted])


def test_a_device_that_signs_in_finds_the_list_of_the_other(person: Person) -> None:
    """The name is taken, whatever its case and width: the answer says where the list is, so that tickers are added."""
    made = _make(person, "Watchlist", "AAPL")
    taken = person.ask("POST", "/lists", 409, json={"name": "\uff37atchLIST", "tickers": ["MSFT"]})

    assert taken.json()["type"].endswith("name-taken")
    assert taken.headers["location"] == f"lists/{made['id']}"
    merged = person.ask("POST", f"/{taken.headers['location']}/tickers", json={"tickers": ["MSFT", "AAPL"]}).json()
    assert merged["tickers"] == ["AAPL", "MSFT"]
    again = person.ask("POST", f"/{taken.headers['location']}/tickers", json={"tickers": ["MSFT", "AAPL"]}).json()
    assert again["tickers"] == ["AAPL", "MSFT"]


def test_an_order_of_another_moment_changes_nothing(person: Person) -> None:
    """An order that lacks a ticker would remove what the other device has added meanwhile."""
    made = _make(person, "Ordered", "AAPL", "MSFT")
    path = f"/lists/{made['id']}"
    person.ask("POST", f"{path}/tickers", json={"tickers": ["NVDA"]})
    for tickers in (["MSFT", "AAPL"], ["MSFT", "AAPL", "NVDA", "AMD"], ["MSFT", "AAPL", "NVDA", "NVDA"], []):
        problem = person.ask("PATCH", path, 409, json={"name": "Changed", "tickers": tickers}).json()
        assert problem["type"].endswith("list-changed")

    shown = person.ask("GET", path).json()
    assert (shown["name"], shown["tickers"]) == ("Ordered", ["AAPL", "MSFT", "NVDA"])


def test_lists_have_bounds(person: Person, database: str) -> None:
    """An account has at most 20 lists, a list at most 100 tickers; beyond that nothing is changed."""
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO tickers (ticker, name) SELECT 'Z' || i, 'Z' FROM generate_series(1, 101) AS i")
    many = [f"Z{number}" for number in range(1, 102)]
    full = _make(person, "Full", *many[:99])
    for number in range(19):
        _make(person, f"List {number}")

    assert person.ask("POST", "/lists", 409, json={"name": "one more"}).json()["type"].endswith("too-many-lists")
    path = f"/lists/{full['id']}/tickers"
    assert person.ask("POST", path, 409, json={"tickers": many[-2:]}).json()["type"].endswith("list-full")
    assert person.ask("POST", path, json={"tickers": [many[0], many[-1]]}).json()["count"] == 100
    person.ask("POST", path, 400, json={"tickers": many})
    person.ask("POST", path, 413, json={"tickers": ["A" * 17_000]})


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": "a\nb"}, {"name": "x" * 101}, {"name": "a", "tickers": "AAPL"}, {"name": "a", "b": 1}],
    ids=["no name", "empty", "control character", "long", "no array", "unknown field"],
)
def test_a_wrong_request_is_refused_in_words(person: Person, body: dict[str, Any]) -> None:
    """A 400 names the field."""
    assert person.ask("POST", "/lists", 400, json=body).json()["errors"]


def test_no_account_sees_the_lists_of_another(person: Person, tokens: Tokens) -> None:
    """Neither by their ids nor by their names; they look as if they were not there."""
    made = _make(person, "Mine", "AAPL")
    other = tokens.person("curious-about-lists")
    path = f"/lists/{made['id']}"
    for method, where, body in (
        ("GET", path, None),
        ("PATCH", path, {"name": "Yours"}),
        ("DELETE", path, None),
        ("POST", f"{path}/tickers", {"tickers": ["MSFT"]}),
        ("DELETE", f"{path}/tickers/AAPL", None),
        ("GET", "/lists/nonsense", None),
    ):
        assert other.ask(method, where, 404, json=body).json()["type"].endswith("unknown-list")

    assert _lists(other) == []
    assert person.ask("GET", path).json()["tickers"] == ["AAPL"]


def test_a_token_that_reads_sees_the_lists_and_changes_none(person: Person) -> None:
    """Changes need the scope account."""
    made = _make(person, "Seen", "AAPL")
    reader = Person(person.client, person.make(scopes=["read"])["token"])
    manager = Person(person.client, person.make(scopes=["account"])["token"])

    assert _lists(reader)[0]["name"] == "Seen"
    reader.ask("POST", "/lists", 403, json={"name": "a"})
    reader.ask("DELETE", f"/lists/{made['id']}/tickers/AAPL", 403)
    manager.ask("GET", "/lists", 403)
    assert person.client.get("/lists").status_code == 401


def test_lists_go_with_their_account(person: Person, tokens: Tokens, database: str) -> None:
    """No row of a deleted account stays."""
    made = _make(person, "Gone", "AAPL", "MSFT")
    form = {"password": PASSWORD}
    gone = tokens.client.request("DELETE", "/users/me", data=form, headers=bearer(person.token))

    assert gone.status_code == 204, gone.text
    with psycopg.connect(database) as connection:
        for table in ("lists", "list_tickers"):
            query = f"SELECT count(*) FROM {table} WHERE list_id = %s"
            assert connection.execute(query.encode(), (made["id"],)).fetchone() == (0,)


def _make(person: Person, name: str, *tickers: str) -> dict[str, Any]:
    return person.ask("POST", "/lists", 201, json={"name": name, "tickers": tickers}).json()


def _lists(person: Person) -> list[dict[str, Any]]:
    return person.ask("GET", "/lists").json()["items"]


@pytest.mark.parametrize("text", ["%00", "AAPL%00", "%FF", "A" * 2000])
def test_what_is_no_ticker_is_not_in_a_list(person: Person, text: str) -> None:
    """Removing it is no error, as for every ticker that is not there; nothing changes."""
    made = _make(person, f"Without {text[:9]}", "AAPL")

    person.ask("DELETE", f"/lists/{made['id']}/tickers/{text}", 204)
    assert person.ask("GET", f"/lists/{made['id']}").json()["tickers"] == ["AAPL"]
    person.ask("DELETE", f"/lists/{made['id']}", 204)
