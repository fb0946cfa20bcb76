"""``python -m lightning_snn`` is the command ``lightning-snn``."""

import sys

from lightning_snn.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
