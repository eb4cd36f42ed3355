"""`python -m wspubsub`: the command where its script is not on the path."""

import sys

from wspubsub.cli import main

sys.exit(main())
