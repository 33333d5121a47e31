"""What a step of training costs: time, memory, parameters."""
