"""Stand in for the CDK: create or update a stack from a template, and exit with 1 where that fails."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from botocore.exceptions import ClientError

from operations.deployment import aws_session

POLL_SECONDS = 0.1


def main() -> int:
    """Apply `<stack> <template>` and wait for the stack."""
    name, template = sys.argv[1], Path(sys.argv[2]).read_text(encoding="utf-8")
    cloudformation = aws_session().client("cloudformation")
    try:
        cloudformation.create_stack(StackName=name, TemplateBody=template)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AlreadyExistsException":
            raise
        cloudformation.update_stack(StackName=name, TemplateBody=template)
    while (status := cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]).endswith("_PROGRESS"):
        time.sleep(POLL_SECONDS)
    sys.stdout.write(f"the stand-in for the CDK: {status}\n")
    return 0 if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"} else 1


if __name__ == "__main__":
    sys.exit(main())
