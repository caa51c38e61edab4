"""A stand-in for OpenAI on this machine: its wire format over real HTTP, an obedient writer, faults on demand."""
