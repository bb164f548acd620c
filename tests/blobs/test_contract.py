"""What both places of files promise: a folder and a bucket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from omnibox.blobs import Blobs, Folder
from omnibox.blobs.bucket import IN_PARTS_FROM, Bucket, Patience
from omnibox.blobs.moving import move_files
from omnibox.blobs.place import Place
from omnibox.inbox.errands import Errands
from omnibox.jobs import Again
from omnibox.masking import MaskedBytes, mask_content
from omnibox.store import Store, StoreUnavailable
from omnibox.store.migrations import migrate
from omnibox.store.tables import attachment
from omnibox.testing.world.s3 import S3, Fault

SOON = Patience(connect_s=0.5, request_s=0.5, whole_s=2.0)


def masked(content: bytes) -> MaskedBytes:
    return mask_content(content, "application/octet-stream")


def later(**how_much: int) -> datetime:
    return datetime.now(UTC) + timedelta(**how_much)


@pytest.fixture
async def s3() -> AsyncIterator[S3]:
    async with S3() as server:
        yield server


def place(s3: S3, *, prefix: str = "", secret: str = "") -> Place:
    return Place(s3.bucket, prefix, s3.base, key_id=s3.key_id, secret=secret or s3.secret)


@pytest.fixture(params=["folder", "bucket", "bucket with a prefix"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path, s3: S3) -> Blobs:
    if request.param == "folder":
        return Folder(tmp_path / "files")
    return Bucket(place(s3, prefix="omnibox/one" if "prefix" in request.param else ""), SOON)


async def names(blobs: Blobs, older_than: datetime) -> list[str]:
    return [name async for name in blobs.names(older_than)]


# ── Both


@pytest.mark.parametrize("content", [b"", b"a file", bytes(range(256)) * 4096], ids=["empty", "small", "1 MB"])
async def test_what_is_put_is_got(blobs: Blobs, content: bytes) -> None:
    name = await blobs.put(masked(content))
    assert await blobs.get(name) == content


async def test_what_has_not_passed_the_mask_is_refused(blobs: Blobs) -> None:
    with pytest.raises(TypeError, match="unmasked"):
        await blobs.put(b"4111 1111 1111 1111")  # type: ignore[arg-type]
    assert await names(blobs, later(days=1)) == []


async def test_equal_files_have_different_names_that_tell_nothing(blobs: Blobs) -> None:
    first, second = await blobs.put(masked(b"same")), await blobs.put(masked(b"same"))
    assert first != second
    assert {len(first), len(second)} == {32}


@pytest.mark.parametrize("name", ["0" * 32, "../../etc/passwd", "", "ab/cd", "É" * 32])
async def test_what_was_never_put_is_not_found(blobs: Blobs, name: str) -> None:
    with pytest.raises(FileNotFoundError):
        await blobs.get(name)


async def test_removing_twice_is_removing_once(blobs: Blobs) -> None:
    kept, gone = await blobs.put(masked(b"kept")), await blobs.put(masked(b"gone"))
    await blobs.remove(gone)
    await blobs.remove(gone)
    with pytest.raises(FileNotFoundError):
        await blobs.get(gone)
    assert await blobs.get(kept) == b"kept"


async def test_the_names_are_those_that_are_old_enough(blobs: Blobs) -> None:
    assert await names(blobs, later(minutes=1)) == []
    stored = {await blobs.put(masked(b"x")) for _ in range(5)}
    assert set(await names(blobs, later(minutes=1))) == stored
    assert await names(blobs, later(minutes=-1)) == []


async def test_many_at_once_do_not_disturb_each_other(blobs: Blobs) -> None:
    contents = [str(n).encode() for n in range(40)]
    stored = await asyncio.gather(*(blobs.put(masked(content)) for content in contents))
    assert await asyncio.gather(*(blobs.get(name) for name in stored)) == contents


# ── A folder


async def test_a_disk_that_refuses_is_a_store_that_is_away(tmp_path: Path) -> None:
    (tmp_path / "files").write_bytes(b"a file where the folder should be")
    with pytest.raises(StoreUnavailable):
        await Folder(tmp_path / "files").put(masked(b"x"))


async def test_files_belong_to_their_owner_alone(tmp_path: Path) -> None:
    await Folder(tmp_path / "files").put(masked(b"x"))
    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "files").rglob("*")}
    assert modes == {0}


# ── A bucket


async def test_requests_are_signed_and_a_wrong_secret_is_refused(s3: S3) -> None:
    await Bucket(place(s3), SOON).put(masked(b"x"))
    assert s3.refused == 0
    with pytest.raises(StoreUnavailable):
        await Bucket(place(s3, secret="wrong"), SOON).put(masked(b"x"))
    assert s3.refused > 0
    assert len(s3.objects) == 1


async def test_a_large_file_goes_in_parts(s3: S3) -> None:
    content = bytes(IN_PARTS_FROM)
    name = await Bucket(place(s3)).put(masked(content))
    assert s3.asked["POST"] == 2
    assert await Bucket(place(s3)).get(name) == content


async def test_a_bucket_lists_page_by_page(s3: S3) -> None:
    bucket = Bucket(place(s3, prefix="mine"), SOON)
    name = await bucket.put(masked(b"x"))
    like = s3.objects[f"mine/{name[:2]}/{name}"]
    for number in range(2_345):
        other = f"{number:032x}"
        s3.objects[f"mine/{other[:2]}/{other}"] = like
    s3.objects["others/aa/" + "a" * 32] = like
    s3.objects["mine/readme.txt"] = like
    assert len(set(await names(bucket, later(minutes=1)))) == 2_346


@pytest.mark.parametrize("fault", [Fault(status=500), Fault(status=503), Fault("close"), Fault("close", is_taken=True)])
async def test_one_failed_answer_is_asked_again(s3: S3, fault: Fault) -> None:
    bucket = Bucket(place(s3), Patience(request_s=5.0, whole_s=20.0))
    s3.faults.append(fault)
    name = await bucket.put(masked(b"x"))
    assert await bucket.get(name) == b"x"


@pytest.mark.parametrize("shape", ["status", "hang", "close"])
@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
async def test_a_bucket_that_does_not_answer_is_a_store_that_is_away(s3: S3, method: str, shape: str) -> None:
    bucket = Bucket(place(s3), Patience(request_s=0.2, whole_s=0.3))
    name = await Bucket(place(s3), SOON).put(masked(b"x"))
    s3.faults.append(Fault(shape, method=method, times=100))  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailable):
        await {
            "PUT": lambda: bucket.put(masked(b"y")),
            "GET": lambda: bucket.get(name),
            "DELETE": lambda: bucket.remove(name),
        }[method]()
    s3.faults.clear()
    again = await Bucket(place(s3), SOON).put(masked(b"z"))  # not `name`: what was given up may still arrive there
    assert await Bucket(place(s3), SOON).get(again) == b"z"


async def test_a_bucket_that_is_gone_is_a_store_that_is_away_until_it_is_back(s3: S3) -> None:
    bucket = Bucket(place(s3), SOON)
    name = await bucket.put(masked(b"x"))
    await s3.stop()
    with pytest.raises(StoreUnavailable):
        await bucket.get(name)
    with pytest.raises(StoreUnavailable):
        await names(bucket, later(minutes=1))
    await s3.start()
    assert await bucket.get(name) == b"x"


async def test_a_bucket_that_was_never_made_is_no_missing_file(s3: S3) -> None:
    """A wrong name in the settings must not make replies fail for good: they wait, as for a store that is away."""
    wrong = Bucket(Place("another", "", s3.base, key_id=s3.key_id, secret=s3.secret), SOON)
    for asked in (wrong.put(masked(b"x")), wrong.get("0" * 32), names(wrong, later(minutes=1))):
        with pytest.raises(StoreUnavailable):
            await asked


async def test_files_move_from_a_folder_under_their_names_and_again_only_what_is_missing(
    s3: S3, tmp_path: Path
) -> None:
    folder, bucket = Folder(tmp_path), Bucket(place(s3, prefix="p"), SOON)
    first = {await folder.put(masked(str(n).encode())): str(n).encode() for n in range(11)}
    assert await move_files(tmp_path, bucket, lambda *_: None) == (11, 11)
    late = await folder.put(masked(b"late"))
    assert await move_files(tmp_path, bucket, lambda *_: None) == (1, 12)
    assert {name: await bucket.get(name) for name in first} == first
    assert await bucket.get(late) == await folder.get(late) == b"late"


@pytest.mark.parametrize("kind", ["folder", "bucket"])
async def test_the_sweep_takes_what_no_row_names_and_leaves_the_rest(kind: str, s3: S3, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/omnibox.db"
    await migrate(url)
    blobs: Blobs = Folder(tmp_path / "files") if kind == "folder" else Bucket(place(s3), SOON)
    kept, orphan = await blobs.put(masked(b"kept")), await blobs.put(masked(b"orphan"))
    store = Store(url)
    await store.start()
    try:
        row = {"key": "k", "content_type": "text/plain", "blob": kept, "state": "ready", "created_at": later()}
        await store.write(lambda tx: tx.execute(sa.insert(attachment), row))
        for days, left in ((0, {kept, orphan}), (2, {kept})):
            errands = Errands(
                store=store, blobs=blobs, secrets=None, ways=None, delivery=None, fetch=None, probe=None,  # type: ignore[arg-type]
                catch_up=None, can_catch_up=None, most_file_bytes=1,  # type: ignore[arg-type]
                clock=lambda days=days: later(days=days),  # type: ignore[misc]
            )  # fmt: skip
            with pytest.raises(Again):
                await errands.sweep("hourly", 1)
            assert set(await names(blobs, later(minutes=1))) == left
    finally:
        await store.stop()


async def test_no_secret_in_a_log_or_an_error(s3: S3, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    s3.secret = "another now"
    wrong = place(s3, secret="hunter2hunter2")
    with pytest.raises(StoreUnavailable) as raised:
        await Bucket(wrong, SOON).put(masked(b"x"))
    assert "hunter2" not in caplog.text + repr(wrong) + repr(raised.value) + str(raised.value)
