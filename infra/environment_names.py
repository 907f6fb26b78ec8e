"""Name the environments, of which environments.py has the values.

Apart from those, so that what reads an application's description needs the standard library only, and starts no CDK.
"""

from typing import Final

LOCAL: Final = "local"
DEV: Final = "dev"
PROD: Final = "prod"
ALL: Final = (LOCAL, DEV, PROD)
