"""The agent's settings are a file that only its owner reads; secrets are in no representation."""

from __future__ import annotations

from pathlib import Path

from local.containers.settings import AgentSettings, BeforeStart

SETTINGS = AgentSettings(
    relay_image="relay:1",
    images={"public/daemon:1": "stand-in:1"},
    environment={"": {"A": "s3cret"}, "app": {"B": "2"}},
    host_ports=(80, 443),
    before_start=BeforeStart(container="app", command="flask db upgrade", environment={"C": "s3cret"}),
)


def test_settings_are_read_as_they_were_saved(tmp_path: Path) -> None:
    for settings in (SETTINGS, AgentSettings(relay_image="relay:2")):
        settings.save(tmp_path / "settings.json")
        assert AgentSettings.load(tmp_path / "settings.json") == settings


def test_only_their_owner_reads_them(tmp_path: Path) -> None:
    SETTINGS.save(tmp_path / "settings.json")
    assert (tmp_path / "settings.json").stat().st_mode & 0o077 == 0
    assert [each.name for each in tmp_path.iterdir()] == ["settings.json"]


def test_the_values_of_variables_are_in_no_representation() -> None:
    assert "s3cret" not in repr(SETTINGS)
