"""Simulated and replayed bars behave as a provider's."""

import gzip
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.ingest.csv_files.reading import open_file
from functions.ingest.gaps import FetchRequest
from functions.ingest.providers import ProviderError, simulated
from functions.ingest.settings import Settings
from tests.fake_vendors import Hands, exchange, utc
from tests.providers.fetching import asks, fetch

INSTANTS = st.integers(min_value=0, max_value=60 * 24 * 90).map(
    lambda minutes: utc("2026-08-01 00:00") + timedelta(minutes=minutes)
)


TICKERS = st.sampled_from([*sorted(simulated._KNOWN), "ZZZ", "Q"])


class TestSimulated:
    """The simulated market."""

    @given(TICKERS, st.lists(INSTANTS, min_size=3, max_size=6))
    @settings(max_examples=40, deadline=None)
    def test_any_split_of_a_window_gives_the_same_bars(self, ticker: str, instants: list[datetime]) -> None:
        """A bar does not depend on what was asked for together with it, or before."""
        first, *inner, last = sorted(instants)
        sessions = exchange().sessions

        whole = simulated.bars(ticker, "1h", sessions, first, last)
        cuts = [first, *inner, last]
        parts = [bar for start, end in pairwise(cuts) for bar in simulated.bars(ticker, "1h", sessions, start, end)]

        assert whole == parts
        assert [bar.start for bar in whole] == exchange().starts("1h", first, last)

    @given(TICKERS, INSTANTS, st.sampled_from(["1h", "30min", "5min"]))
    @settings(max_examples=40, deadline=None)
    def test_every_bar_obeys_the_rules_of_prices(self, ticker: str, instant: datetime, interval: str) -> None:
        """Low and high hold open and close, prices are positive and in cents, and each bar opens where one closed."""
        session = exchange().last_opened(instant)
        assert session is not None
        bars = simulated.session_bars(ticker, interval, session)

        for bar in bars:
            assert bar.open is not None
            assert bar.high is not None
            assert bar.low is not None
            assert bar.close is not None
            assert bar.volume is not None
            assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
            assert bar.low.as_tuple().exponent == -2
            assert bar.volume >= 1
        assert [bar.open for bar in bars[1:]] == [bar.close for bar in bars[:-1]]

    def test_another_process_invents_the_same(self) -> None:
        """Nothing depends on the process, its hash seed or its history, and a new version invents no new prices."""
        code = (
            "from tests.fake_vendors import exchange, utc; from functions.ingest.providers import simulated; "
            "print([str(bar.close) for bar in simulated.bars('AAPL', '1h', exchange().sessions, "
            "utc('2026-11-20 00:00'), utc('2026-11-21 00:00'))])"
        )
        environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(__file__).parents[2])}
        run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

        assert run.stdout.strip() == "['203.96', '203.06', '202.96', '203.10', '204.87', '204.94', '205.25']"

    def test_days_are_like_real_ones(self) -> None:
        """Over a year prices move 0.9 to 3 % a day, together by a third, stay near the usual, and gap overnight."""
        sessions = exchange().sessions[-252:]
        moves: dict[str, list[float]] = {}
        for ticker in ("AAPL", "KO", "TSLA", "BRK.A"):
            days = [simulated.session_bars(ticker, "1h", session) for session in sessions]
            closes = [float(day[-1].close or 0) for day in days]
            moves[ticker] = [after / before - 1 for before, after in pairwise(closes)]
            usual = simulated.ticker_traits(ticker).price
            assert all(usual / 2 < close < usual * 2 for close in closes)
            assert any(day[0].open != before[-1].close for before, day in pairwise(days))
            ends, middle = (
                sum(float(day[0].volume or 0) for day in days),
                sum(float(day[3].volume or 0) for day in days),
            )
            assert ends > 1.5 * middle

        deviation = {ticker: (sum(move**2 for move in one) / len(one)) ** 0.5 for ticker, one in moves.items()}
        assert all(0.009 < value < 0.035 for value in deviation.values()), deviation
        together = sum(a * b for a, b in zip(moves["AAPL"], moves["KO"], strict=True)) / len(sessions)
        assert 0.1 < together / deviation["AAPL"] / deviation["KO"] < 0.7

    def test_a_bar_costs_the_same_however_many_are_asked_for(self, make_settings: Callable[..., Settings]) -> None:
        """21,000 bars take well under a second here; ten would mean that something is walked from the start."""
        start = exchange().sessions[-61].opens
        wanted = [FetchRequest(ticker, start, exchange().sessions[-1].opens) for ticker in simulated._KNOWN]
        began = time.process_time()
        answer = fetch(make_settings(), wanted, "simulated")

        assert sum(map(len, answer.bars.values())) > 20_000
        assert time.process_time() - began < 10


class TestReplay:
    """CSV files of the user's own."""

    def file(
        self, folder: Path, *lines: str, header: str = "ticker,datetime,interval,open,high,low,close,volume"
    ) -> str:
        path = folder / "mine.csv.gz"
        with gzip.open(path, "wt") as file:
            file.write("\n".join((header, *lines)) + "\n")
        return str(path)

    def test_only_finished_bars_are_returned(
        self, make_settings: Callable[..., Settings], hands: Hands, tmp_path: Path
    ) -> None:
        """Of the window asked for, what has ended by the clock; with all digits, nothing for a missing volume."""
        path = self.file(
            tmp_path,
            "AAPL,2026-11-20T14:30:00Z,1h,1,2,0.5,1.123456789,",
            "AAPL,2026-11-20T15:30:00+00:00,1h,1,2,0.5,1,9",
            "AAPL,2026-11-20T15:30:00Z,5min,1,2,0.5,1,9",
            "KO,2026-11-20T15:30:00Z,1h,1,2,0.5,1,9",
        )
        replay, both = make_settings(providers="replay", replay_files=path), []
        for at in ("2026-11-20 16:29", "2026-11-20 16:30"):
            hands.at = utc(at)
            both.append(fetch(replay, asks("AAPL"), "replay").bars[asks("AAPL")[0]])

        assert [len(bars) for bars in both] == [1, 2]
        assert (both[0][0].close, both[0][0].volume) == (Decimal("1.123456789"), None)

    @pytest.mark.parametrize(
        ("header", "line"),
        [
            ("ticker,datetime,open", "AAPL,2026-11-20T14:30:00Z,1"),
            ("ticker,datetime,interval,open,high,low,close,volume", "AAPL,last Friday,1h,1,2,0.5,1,9"),
        ],
        ids=["columns missing", "no time"],
    )
    def test_a_file_that_cannot_be_read_is_a_failure(
        self, make_settings: Callable[..., Settings], tmp_path: Path, header: str, line: str
    ) -> None:
        """The message names the file and what is wrong with it."""
        path = self.file(tmp_path, line, header=header)

        with pytest.raises(ProviderError, match=r"mine\.csv\.gz: "):
            fetch(make_settings(providers="replay", replay_files=path), asks("AAPL"), "replay")

    def test_a_file_that_is_not_there_is_a_failure(self, make_settings: Callable[..., Settings]) -> None:
        """As above."""
        with pytest.raises(ProviderError, match=r"nowhere\.csv"):
            fetch(make_settings(providers="replay", replay_files="nowhere.csv"), asks("AAPL"), "replay")

    def test_an_unreadable_file_is_a_failure_of_what_the_others_lack(
        self, make_settings: Callable[..., Settings], tmp_path: Path
    ) -> None:
        """The other files are served; a ticker without bars may be in the unreadable one, so others are asked."""
        (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
        good = self.file(
            tmp_path, "AAPL,2026-11-20T14:30:00Z,1h,1,2,0.5,1,", "AAPL,2026-11-20T15:30:00Z,1h,1,2,0.5,1,9"
        )
        replay = make_settings(providers="replay", replay_files=f"{tmp_path / 'bad.csv'},{good}")

        answer = fetch(replay, asks("AAPL", "KO"), "replay")

        assert {ask.ticker: len(bars) for ask, bars in answer.bars.items()} == {"AAPL": 2}
        assert {ask.ticker: reason.partition(": ")[0] for ask, reason in answer.failures.items()} == {"KO": "bad.csv"}

    def test_a_long_file_is_refused_before_it_is_read(
        self, make_settings: Callable[..., Settings], tmp_path: Path
    ) -> None:
        """Unpacked, not packed; the verb `import` takes longer ones."""
        with gzip.open(tmp_path / "long.csv.gz", "wb") as file:
            file.write(bytes(16 * 2**20 + 1))

        with pytest.raises(ProviderError, match="longer than 16 MiB"):
            fetch(make_settings(providers="replay", replay_files=f"{tmp_path / 'long.csv.gz'}"), asks("AAPL"), "replay")

    def test_the_loop_runs_while_files_are_read(
        self, make_settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another request is answered in the meantime."""
        path = self.file(tmp_path, "AAPL,2026-11-20T14:30:00Z,1h,1,2,0.5,1,")
        threads: list[threading.Thread] = []
        monkeypatch.setattr(
            "functions.ingest.providers.replay.open_file",
            lambda *given, **named: (threads.append(threading.current_thread()), open_file(*given, **named))[1],
        )

        fetch(make_settings(providers="replay", replay_files=path), asks("AAPL"), "replay")

        assert threads
        assert threading.main_thread() not in threads
