"""Fake OpenAI server: its wire format over real HTTP, an obedient writer, faults on demand."""
