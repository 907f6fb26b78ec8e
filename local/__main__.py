import signal

# Until the command has its own handlers: Ctrl-C while modules are imported prints no traceback.
signal.signal(signal.SIGINT, signal.SIG_DFL)

import sys  # noqa: E402 - for the reason above

from local.commands.cli import main  # noqa: E402 - the same

if __name__ == "__main__":
    sys.exit(main())
