"""Looking back: what made a figure (trace), and whether every file is still what was written (verify)."""
