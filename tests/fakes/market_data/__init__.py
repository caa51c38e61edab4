"""Fake Twelve Data and Finnhub: their wire formats over real HTTP, and every fault they are known for."""
