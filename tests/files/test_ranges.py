"""Ranges, conditions and HEAD of a file."""

import httpx
import pytest

from tests.files.serving import NOVEMBER


@pytest.fixture(scope="module")
def whole(files: httpx.Client) -> httpx.Response:
    """The whole file."""
    return files.get(NOVEMBER)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-3", 0, 4), ("bytes=-8", -8, None), ("bytes=100-", 100, None), ("Bytes = 5-5", 5, 6),
     ("bytes=10-99999999", 10, None), ("bytes=-99999999", 0, None),
     (f"bytes=10-{10**20}", 10, None), (f"bytes=-{10**20}", 0, None)],
)  # fmt: skip
def test_a_range_is_that_part(
    files: httpx.Client, whole: httpx.Response, asked: str, first: int, last: int | None
) -> None:
    """206 with the bytes, their place and the size."""
    answer = files.get(NOVEMBER, headers={"Range": asked})

    part = whole.content[first:last]
    begin = whole.content.index(part) if first < 0 else first
    assert (answer.status_code, answer.content) == (206, part)
    assert answer.headers["content-range"] == f"bytes {begin}-{begin + len(part) - 1}/{len(whole.content)}"
    assert answer.headers["content-length"] == str(len(part))
    assert answer.headers["etag"] == whole.headers["etag"]


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,4-5", "bytes=5-2", "items=0-1", "bytes=-", "bytes=a-b", "bytes 0-1", "bytes=0-1" + " " * 100]
)
def test_what_is_no_range_is_the_whole_file(files: httpx.Client, whole: httpx.Response, asked: str) -> None:
    """A malformed one, or several at once, count as absent."""
    answer = files.get(NOVEMBER, headers={"Range": asked})

    assert (answer.status_code, answer.content) == (200, whole.content)


@pytest.mark.parametrize(
    "asked", ["bytes=99999999-", "bytes=99999999-100000000", "bytes=-0", f"bytes={10**20}-", f"bytes={10**20}-{10**21}"]
)
def test_a_range_beyond_the_end_says_the_size(files: httpx.Client, whole: httpx.Response, asked: str) -> None:
    """416 with the size that a client can ask within."""
    answer = files.get(NOVEMBER, headers={"Range": asked})

    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(whole.content)}"
    assert answer.json()["type"].endswith("/range-not-satisfiable")


def test_a_part_is_sent_only_of_the_same_file(files: httpx.Client, whole: httpx.Response) -> None:
    """If-Range with another tag, or with a date, gives the whole file as it is now."""
    tag = whole.headers["etag"]
    found = [
        files.get(NOVEMBER, headers={"Range": "bytes=0-3", "If-Range": one}).status_code
        for one in (tag, '"another"', f"W/{tag}", "Fri, 27 Nov 2026 22:00:00 GMT")
    ]

    assert found == [206, 200, 200, 200]


def test_an_unchanged_file_is_not_sent_again(files: httpx.Client, whole: httpx.Response) -> None:
    """304, with or without a range."""
    for more in ({}, {"Range": "bytes=0-3"}):
        answer = files.get(NOVEMBER, headers={"If-None-Match": whole.headers["etag"], **more})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == whole.headers["etag"]


def test_head_has_the_headers_alone(files: httpx.Client, whole: httpx.Response) -> None:
    """The size and the tag, as readers of Parquet ask for them first."""
    answer = files.head(NOVEMBER)

    assert (answer.status_code, answer.content) == (200, b"")
    for name in ("content-length", "etag", "accept-ranges", "content-type"):
        assert answer.headers[name] == whole.headers[name]
    assert answer.headers["accept-ranges"] == "bytes"


def test_a_large_file_comes_in_pieces(
    files: httpx.Client, whole: httpx.Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A range longer than a piece is read in several, and is the same."""
    monkeypatch.setattr("functions.files.app._PIECE", 1000)

    assert files.get(NOVEMBER).content == whole.content
    assert files.get(NOVEMBER, headers={"Range": "bytes=10-4321"}).content == whole.content[10:4322]
