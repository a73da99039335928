"""``python -m cellkit``: the command, where its script is not on the path."""

import sys

from cellkit.command import main

if __name__ == "__main__":  # workers import this module, too
    sys.exit(main())
