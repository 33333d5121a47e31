"""The engine's part of a batch: what the Snakefile and its jobs ask for."""
