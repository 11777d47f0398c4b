"""Hosts with the account's workspace in their name."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from dramagen.catalog.access import Access, access
from dramagen.catalog.load import Catalog
from dramagen.errors import ConfigError
from dramagen.settings import gather

KEYED = {"DASHSCOPE_API_KEY": "key-one"}


def regions(tmp_path: Path, environ: Mapping[str, str], toml: str = "") -> Mapping[str, Access]:
    (tmp_path / "dramagen.toml").write_text(toml, "utf-8")
    settings = gather(None, {"DRAMAGEN_HOME": str(tmp_path / "home"), **environ}, tmp_path)
    return access(Catalog.load((), settings.providers).provider("wan"), settings)


def test_without_a_workspace_the_older_host_serves(tmp_path: Path) -> None:
    found = regions(tmp_path, KEYED)
    assert (found["cn"].base_url, found["cn"].keyed) == ("https://dashscope.aliyuncs.com", True)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("cn", "ws-1.cn-beijing.maas.aliyuncs.com"),
        ("intl", "ws-1.ap-southeast-1.maas.aliyuncs.com"),
        ("us", "ws-1.us-east-1.maas.aliyuncs.com"),
        ("eu", "ws-1.eu-central-1.maas.aliyuncs.com"),
        ("jp", "ws-1.ap-northeast-1.maas.aliyuncs.com"),
        ("hk", "ws-1.cn-hongkong.maas.aliyuncs.com"),
    ],
)
def test_a_workspace_is_part_of_the_host_of_its_own_region(tmp_path: Path, region: str, host: str) -> None:
    found = regions(tmp_path, KEYED | {"DASHSCOPE_REGION": region, "DASHSCOPE_WORKSPACE": "ws-1"})
    assert (found[region].host, found[region].keyed) == (host, True)
    assert not [a for name, a in found.items() if name != region and ("ws-1" in a.base_url or a.keyed)]


def test_a_region_that_needs_a_workspace_says_so(tmp_path: Path) -> None:
    found = regions(tmp_path, KEYED | {"DASHSCOPE_REGION": "eu"})["eu"]
    assert (found.keyed, found.why) == (False, "no workspace: set DASHSCOPE_WORKSPACE")


@pytest.mark.parametrize("workspace", ["evil.example/", "a.b", "-a", "a" * 65, "{x}", "a@b"])
def test_what_is_no_workspace_never_becomes_a_host(tmp_path: Path, workspace: str) -> None:
    with pytest.raises(ConfigError, match="DASHSCOPE_WORKSPACE"):
        regions(tmp_path, KEYED | {"DASHSCOPE_WORKSPACE": workspace})


def test_an_untrusted_file_cannot_name_the_host_a_key_goes_to(tmp_path: Path) -> None:
    toml = '[providers.wan.regions.cn]\nworkspace_url = "https://{workspace}.evil.example"\n'
    found = regions(tmp_path, KEYED | {"DASHSCOPE_WORKSPACE": "ws-1"}, toml)["cn"]
    assert not found.keyed
    assert "dramagen trust" in found.why
