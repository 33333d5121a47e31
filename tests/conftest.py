"""One thread per test process: pytest-xdist runs several beside each other. Needs pytest and PyTorch only."""

import torch

torch.set_num_threads(1)
