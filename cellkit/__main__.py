"""``python -m cellkit``: the command, where its script is not on the path."""

import sys

from cellkit.command import main

sys.exit(main())
