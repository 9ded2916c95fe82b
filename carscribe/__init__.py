"""What runs on the user's own machine, whichever target is up.

The packages of the workers are found from this one's own path, also where
nobody has set PYTHONPATH.
"""

import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
PATHS = [str(CHECKOUT / part) for part in ("", "common", "worker_a", "worker_b")]
sys.path.extend(path for path in PATHS if path not in sys.path)
