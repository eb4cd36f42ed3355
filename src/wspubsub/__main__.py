"""`python -m wspubsub`: the command, for when its script is not on the path."""

import sys

from wspubsub.cli import main

sys.exit(main())
