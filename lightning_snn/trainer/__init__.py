"""What surrounds a Trainer: progress, signals, checkpoints, streams over its processes, questions to it."""
