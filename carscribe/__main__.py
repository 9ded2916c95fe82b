"""`python -m carscribe COMMAND`."""

import sys

from carscribe.cli import main

sys.exit(main())
