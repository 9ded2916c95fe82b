"""`python -m carscribe COMMAND`, also where nobody has set PYTHONPATH."""

import os
import signal
import sys

from carscribe import PATHS

if __name__ == "__main__":
    # Until the command line hears it: Ctrl-C while the modules load is no error of theirs.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # What is started finds the workers' packages, too.
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    missing = (path for path in PATHS if path not in given)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [*given, *missing]))

    from carscribe.cli import main

    sys.exit(main())
