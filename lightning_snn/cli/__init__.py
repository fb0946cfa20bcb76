"""The command line."""

LIGHTNING_COMMANDS = ("fit", "validate", "test", "predict")
"""Those that are Lightning's own."""
