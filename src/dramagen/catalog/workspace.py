"""Hosts that carry the account's workspace in their name."""

import re

from dramagen.catalog.cards import Region
from dramagen.errors import ConfigError

PLACE = "{workspace}"

_WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""As Alibaba's Python package (dashscope 2.0.2, read 2026-11-22) accepts it; nothing that could end a host's name."""


def own_address(region: Region, workspace: str | None) -> str | None:
    """The region's own address, or None where it has none without a workspace.

    Raises ``ConfigError`` for a workspace that is no such id.
    """
    if not workspace:
        return None if PLACE in region.base_url else region.base_url
    if not _WORKSPACE.fullmatch(workspace):
        raise ConfigError(f"{region.workspace_env}: a workspace id is letters, digits, - and _")
    return (region.workspace_url or region.base_url).replace(PLACE, workspace)
