"""The names of the environments in environments.py.

They are in a module of their own because an import of environments.py starts the CDK's Node process, which code that
only reads an application's description does not need.
"""

from typing import Final

LOCAL: Final = "local"
DEV: Final = "dev"
PROD: Final = "prod"
ALL: Final = (LOCAL, DEV, PROD)
