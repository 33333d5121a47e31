"""Records: files written whole, JSON that carries its hash, and what made a result. Needs no PyTorch."""
