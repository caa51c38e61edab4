"""StocksALot's additions to the local runner."""
