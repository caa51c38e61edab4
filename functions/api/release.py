"""Release of StocksALot: the version in pyproject.toml, which images do not carry. A test compares the two."""

RELEASE = "0.2.0"
