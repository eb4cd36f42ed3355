"""`python -m wspubsub`: the command, for when its script is not on the path."""

import sys

from _wspubsub_command import main

sys.exit(main())
