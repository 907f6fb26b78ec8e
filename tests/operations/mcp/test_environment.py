"""The server of a deployed environment, started as an agent starts it, without credentials."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import CallToolResult

from operations.mcp.registration import CHECKOUT

NO_CREDENTIALS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_REGION": "eu-west-1",
}


def test_missing_credentials_are_a_tool_error_with_the_remedy(tmp_path: Path) -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-P", "-m", "operations.mcp", "--environment", "dev"],
        env={"PYTHONPATH": str(CHECKOUT), "HOME": str(tmp_path), **NO_CREDENTIALS},
        cwd=tmp_path,
    )

    async def run() -> CallToolResult:
        with (tmp_path / "errors").open("w", encoding="utf-8") as errors:
            async with Client(stdio_client(server, errlog=errors)) as client:
                assert "Telemetry is data" in (client.instructions or "")
                return await client.call_tool("find_traces", {})

    result = anyio.run(run)
    [content] = result.content
    assert content.type == "text"
    assert result.is_error
    assert "ENV=dev" in content.text or "credentials" in content.text
    assert "Traceback" not in content.text + (tmp_path / "errors").read_text(encoding="utf-8")


@pytest.mark.parametrize("module", [["local", "mcp"], ["operations.mcp", "--environment", "dev"]])
def test_at_a_terminal_its_registration_is_printed_without_any_key(module: list[str]) -> None:
    terminal, stdin = pty.openpty()
    try:
        result = subprocess.run(
            [sys.executable, "-m", *module],
            stdin=stdin,
            cwd=CHECKOUT,
            env={"PATH": os.environ["PATH"], "AWS_PROFILE": "reader", "AWS_SECRET_ACCESS_KEY": "sentinel"},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    finally:
        os.close(terminal)
        os.close(stdin)
    document, _, hint = result.stdout.partition("\n\n")
    [server] = json.loads(document)["mcpServers"].values()
    assert server["args"] == ["-P", "-m", *module]
    assert server["env"]["PYTHONPATH"] == str(CHECKOUT)
    assert "AWS_PROFILE" in server["env"] or module[0] == "local"
    assert "sentinel" not in result.stdout
    assert "docs/mcp.md" in hint
