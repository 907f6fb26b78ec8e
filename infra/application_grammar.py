"""The grammar of `onetrace.toml`: what each of its values may be."""

from __future__ import annotations

import re
from typing import Final

from flask_onetrace.contract import SecretName
from infra.names import APPLICATION_NAME, LONGEST_APPLICATION

SERVICES: Final = ("postgresql",)
PLACEHOLDERS: Final = ("partition", "region", "account", "environment")
"""What is filled in between braces, in the resources of the task role's statements."""

NAME: Final = re.compile(rf"(?=.{{1,{LONGEST_APPLICATION}}}\Z){APPLICATION_NAME.pattern}")
SERVICE_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,30}[A-Za-z0-9])?")
VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SECRET: Final = re.compile(r"(?!.*-.{6}$)[A-Za-z0-9/_+=.@-]{1,200}")
"""Not ending in a hyphen and six characters: Secrets Manager would take them for the end of an ARN ("CreateSecret",
AWS Secrets Manager API Reference)."""
PATH: Final = re.compile(r"/[A-Za-z0-9._~/-]{0,127}")
"""Without what has a meaning in an X-Ray sampling rule's `URLPath` or in a Logs Insights query, and without
percent-encoding: the service compares it with the decoded path."""
PATH_PATTERN: Final = re.compile(r"/[A-Za-z0-9._~/*?-]{0,127}")
PATTERNS: Final = 5
"""Values of a condition of a listener's rule ("Quotas for your Application Load Balancers", User Guide)."""
TARGET: Final = re.compile(r"/[!-~]*")
HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
HEADER_VALUE: Final = re.compile(r"[\t -~]*")
ANY: Final = re.compile(r".*", re.DOTALL)
WORDS: Final = re.compile(r"\S.*")
ACTION: Final = re.compile(r"[a-z0-9-]+:[A-Za-z0-9*?]+")
RESOURCE: Final = re.compile(
    rf"(?:arn:(?:[^\s{{}}$]|\$\{{[A-Za-z0-9:/._-]+\}}|\{{(?:{'|'.join(PLACEHOLDERS)})\}})+|\*)"
)
"""IAM's own variables, `${aws:username}`, stay as they are."""
USER: Final = re.compile(r"[A-Za-z0-9_.-]+(?::[A-Za-z0-9_.-]+)?")
STATUSES: Final = range(100, 600)
PORTS: Final = range(1, 65_536)
ENTRIES: Final = frozenset(map(str, SecretName))
