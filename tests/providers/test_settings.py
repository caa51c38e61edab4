"""Settings that could not work are refused at the start."""

import json
from pathlib import Path

import pytest

from functions.ingest.settings import Settings
from shared.runtime.settings import read_settings


class TestSettings:
    """Choice of the provider."""

    BARE = {"DATABASE_URL": "postgresql://x@y/z", "REDIS_URL": "redis://y"}  # noqa: RUF012

    @pytest.mark.parametrize(
        ("given", "order"),
        [
            ({}, ("simulated",)),
            ({"TWELVEDATA_API_KEYS": ""}, ("simulated",)),
            ({"TWELVEDATA_API_KEYS": "a, b"}, ("twelvedata",)),
            (
                {"TWELVEDATA_API_KEYS": "a", "PROVIDERS": "replay,twelvedata", "REPLAY_FILES": "x"},
                ("replay", "twelvedata"),
            ),
            ({"TWELVEDATA_API_KEYS": "a", "PROVIDERS": "simulated"}, ("simulated",)),
        ],
    )
    def test_the_simulated_market_is_used_without_a_key_or_by_name(
        self, given: dict[str, str], order: tuple[str, ...]
    ) -> None:
        """With a key, simulated prices never come unrequested."""
        assert read_settings(Settings, self.BARE | given).order == order

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"PROVIDERS": "twelvedata"}, "TWELVEDATA_API_KEYS"),
            ({"PROVIDERS": "replay"}, "REPLAY_FILES"),
            ({"REPLAY_ZONE": "Amerika/New_York"}, "REPLAY_ZONE: no time zone"),
            ({"PROVIDERS": "finnhub"}, "FINNHUB_API_KEY is set"),
            ({"TWELVEDATA_SYMBOLS": "BRK.A"}, "NAME=VALUE"),
            (
                {"PROVIDER_KEYS": "acme=s3cret"},
                "^PROVIDER_KEYS: each NAME of NAME=KEY should be one of twelvedata, alpaca",
            ),
            ({"PROVIDER_KEYS": "s3cret"}, "^PROVIDER_KEYS: should look like NAME=VALUE,NAME=VALUE$"),
        ],
    )
    def test_what_cannot_work_is_said_at_start(self, given: dict[str, str], words: str) -> None:
        """The message names what is missing."""
        with pytest.raises(ValueError, match=words):
            read_settings(Settings, self.BARE | given)

    def test_keys_of_providers_are_secrets_by_name(self, tmp_path: Path) -> None:
        """From the variable and from a file; neither is shown."""
        file = tmp_path / "keys"
        file.write_text("yahoo=s3cret, alpaca=other")

        for given in ({"PROVIDER_KEYS": "yahoo=s3cret, alpaca=other"}, {"PROVIDER_KEYS_FILE": str(file)}):
            settings = read_settings(Settings, self.BARE | given)

            assert {name: key.reveal() for name, key in settings.provider_keys.items()} == {
                "yahoo": "s3cret",
                "alpaca": "other",
            }
            assert "s3cret" not in repr(settings)

    @pytest.mark.parametrize("given", ["s3cret=yahoo", "acme=s3cret", "yahoo=a,s3cret", "s3cret"])
    def test_no_part_of_a_wrong_list_of_keys_is_shown(self, given: str) -> None:
        """Of a pair the wrong way round, the name is the key."""
        with pytest.raises(ValueError, match="PROVIDER_KEYS") as failure:
            read_settings(Settings, self.BARE | {"PROVIDER_KEYS": given})

        assert "s3cret" not in str(failure.value)

    def test_a_wrong_setting_is_not_shown(self) -> None:
        """Settings hold secrets: an error names the variable alone."""
        with pytest.raises(ValueError, match="TWELVEDATA_API_KEYS") as failure:
            read_settings(Settings, self.BARE | {"PROVIDERS": "twelvedata", "FINNHUB_API_KEY": "s3cret"})

        assert "s3cret" not in json.dumps(str(failure.value))
