"""Photos at addresses: https by a server of files, s3 by moto's."""

import json
import os
from urllib.request import Request, urlopen

import pytest
from helpers.datasets import png, write_files, write_parquet, write_tar
from helpers.servers import http_server

from s2i.core.errors import UserError
from s2i.dataset.ingest.sources import locations


@pytest.fixture
def quick(monkeypatch):
    """Another try comes without waiting."""
    monkeypatch.setattr(locations.time, "sleep", lambda seconds: None)


@pytest.fixture
def photos(tmp_path):
    """A folder of twenty photos, of which a photos.csv lists all, and one file that is no photo."""
    rows = "".join(f"{number}.png,house {number},CC0\n" for number in range(20))
    files = {f"{number}.png": png(number) for number in range(20)} | {"photos.csv": f"file,caption,licence\n{rows}"}
    return write_files(tmp_path / "set", files | {"scan.pdf": "x", "program.exe": "x"})


def fetched(handler):
    asked = [path for path in handler.asked if path.endswith(".png")]
    handler.asked.clear()
    return len(asked)


def test_a_folder_at_an_address_is_fetched_once_and_kept_up_to_date(ingest_folder, photos, tmp_path):
    with http_server(photos) as (address, handler):
        records, _, reasons = ingest_folder(tmp_path / "nothing", url=address)
        assert {record["given_caption"] for record in records} == {f"house {number}" for number in range(20)}
        assert reasons == {"scan.pdf": ".pdf is not read (convert it to .jpg or .png)"}
        assert "/program.exe" not in handler.asked and fetched(handler) == 20
        ingest_folder(tmp_path / "nothing", url=address)
        assert fetched(handler) == 0
        (photos / "3.png").write_bytes(png(33))
        (photos / "4.png").unlink()
        records, _, reasons = ingest_folder(tmp_path / "nothing", url=address)
    assert fetched(handler) == 1 and len(records) == 19
    assert reasons["4.png"] == "missing (photos.csv line 6)"


def test_what_came_before_the_network_failed_is_kept(ingest_folder, photos, tmp_path, quick):
    with http_server(photos) as (address, handler):
        handler.failing = {"/9.png"}  # the last by name
        with pytest.raises(UserError, match=r"9\.png cannot be read on: .*; what came is kept, run again"):
            ingest_folder(tmp_path / "nothing", url=address)
        assert handler.asked.count("/9.png") == locations.TRIES
        handler.failing.clear()
        handler.asked.clear()
        assert len(ingest_folder(tmp_path / "nothing", url=address)[0]) == 20
        assert fetched(handler) < 10


def test_an_address_without_photos_is_one_clear_sentence(ingest_folder, tmp_path):
    with (
        http_server(write_files(tmp_path / "set", {"a.html": ""})) as (address, _),
        pytest.raises(UserError, match=r"holds no photos \(.*\.jpg.*correct ingest\.url"),
    ):
        ingest_folder(tmp_path / "nothing", url=address)


@pytest.mark.parametrize("source", ["parquet", "webdataset"])
def test_shards_are_read_as_streams_over_https(ingest_folder, tmp_path, source):
    if source == "parquet":
        rows = [{"image": {"bytes": png(number), "path": None}, "text": f"house {number}"} for number in range(20)]
        write_parquet(tmp_path / "set/train-00000-of-00001.parquet", rows, {})
    else:
        members = {
            f"{number:03}.{end}": content
            for number in range(20)
            for end, content in (("png", png(number)), ("txt", f"house {number}"))
        }
        write_tar(tmp_path / "set/train-0.tar", members)
    (tmp_path / "set/README.md").write_text("---\nlicense: mit\n---\n", encoding="utf-8")
    with http_server(tmp_path / "set") as (address, handler):
        records, figures, reasons = ingest_folder(tmp_path / "nothing", url=address, source=source)
        shard = next(path for path in handler.asked if "train" in path)
        handler.asked.clear()
        ingest_folder(tmp_path / "nothing", url=address, source=source)
        assert shard not in handler.asked
    assert reasons == {} and figures["licences"] == {"mit": 20}
    assert {record["given_caption"] for record in records} == {f"house {number}" for number in range(20)}


@pytest.fixture
def bucket(monkeypatch):
    """An empty bucket on a server of moto's, which s3fs finds through the environment."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    urlopen(Request(f"{address}/moto-api/reset", method="POST")).close()  # servers of one process share their buckets
    variables = {"AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    for name, value in (variables | {"AWS_DEFAULT_REGION": "us-east-1"}).items():
        monkeypatch.setenv(name, value)
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    system = s3fs.S3FileSystem()
    system.mkdir("houses")
    yield system
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_every_kind_of_layout_is_read_from_s3(ingest_folder, photos, tmp_path, bucket):
    bucket.put(str(photos), "houses/plain", recursive=True)
    records, _, _ = ingest_folder(tmp_path / "nothing", url="s3://houses/plain")
    assert len(records) == 20 and {record["licence"] for record in records} == {"CC0"}
    bucket.rm("houses/plain/3.png")
    assert len(ingest_folder(tmp_path / "nothing", url="s3://houses/plain")[0]) == 19

    write_tar(tmp_path / "0.tar", {f"{number:03}.png": png(number) for number in range(20)})
    bucket.put(str(tmp_path / "0.tar"), "houses/shards/train-0.tar")
    for url in ("s3://houses/shards", "s3://houses/shards/train-{0..0}.tar", "s3://houses/*/*.tar"):
        assert len(ingest_folder(tmp_path / "nothing", url=url, source="webdataset")[0]) == 20

    lines = [json.dumps({"file_name": f"{number}.png", "text": f"house {number}"}) for number in range(20)]
    bucket.pipe_file("houses/plain/metadata.jsonl", "\n".join(lines).encode())
    bucket.rm("houses/plain/photos.csv")
    bucket.put(str(photos / "3.png"), "houses/plain/3.png")
    records, _, _ = ingest_folder(tmp_path / "nothing", url="s3://houses/plain", source="imagefolder")
    assert len(records) == 20 and all(record["given_caption"] for record in records)


def test_a_bucket_that_is_not_there_or_not_open_is_one_clear_sentence(ingest_folder, tmp_path, bucket, monkeypatch):
    with pytest.raises(UserError, match=r"s3://gone/photos is not there: correct ingest\.url"):
        ingest_folder(tmp_path / "nothing", url="s3://gone/photos")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    type(bucket).clear_instance_cache()
    with pytest.raises(UserError, match=r"cannot be read: .*[Cc]redentials"):
        ingest_folder(tmp_path / "nothing", url="s3://houses/photos")
