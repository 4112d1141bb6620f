"""Audits in shards, over processes of this machine and over real Ray and Dask clusters: the bytes of a single audit.

Over Ray in a process of their own (test_distributed_ray.py): Ray ends the one that called it when its daemons are gone.
"""
import functools
import importlib.util
import io
import itertools
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pytest

import assay
from assay import _job, distributed
from assay._shards import ArraysPart, Shard

SAMPLES = 100
OPTIONS = {"decision": "argmax", "candidates": ["coreml-nn-gpu", "bf16-storage"], "fail_on": "none"}
PACKAGE = os.path.dirname(os.path.dirname(assay.__file__))
OVER_RAY = "ASSAY_TEST_OVER_RAY" in os.environ


@pytest.fixture(scope="module")
def data():
    return {"input": np.random.default_rng(7).standard_normal((SAMPLES, 4)).astype(np.float32)}


@pytest.fixture(scope="module")
def labels():
    return np.random.default_rng(8).integers(0, 3, SAMPLES)


@pytest.fixture(scope="module")
def whole(mlp, data, labels):
    """The single audit."""
    return assay.audit(mlp, data, labels, **OPTIONS)


@pytest.fixture(scope="module")
def ray_cluster():
    ray = pytest.importorskip("ray")
    folder = tempfile.mkdtemp(prefix="ray-")  # short: sockets lie in it
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
        patch.setenv("PYTHONPATH", PACKAGE)
        ray.init(address="local", num_cpus=2, include_dashboard=False, _temp_dir=folder, log_to_driver=False,
                 logging_level=logging.ERROR, object_store_memory=100_000_000)
        yield {"engine": "ray"}
        ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def dask_cluster(tmp_path_factory):
    dask = pytest.importorskip("distributed")
    with dask.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL,
                           local_directory=str(tmp_path_factory.mktemp("dask"))) as cluster, dask.Client(cluster) as c:
        yield {"engine": "dask", "client": c}


@pytest.fixture
def local():
    return {"engine": "local", "workers": 2}


@pytest.fixture(params=["ray_cluster"] if OVER_RAY else ["local", "dask_cluster"])
def engine(request):
    """The words that choose an engine; each has two processes."""
    return request.getfixturevalue(request.param)


def write_npz(folder, data, labels, edges):
    """Parts with the labels inside."""
    for i, (start, stop) in enumerate(itertools.pairwise(edges)):
        np.savez(folder / f"part-{i:03}.npz", input=data["input"][start:stop], y=labels[start:stop])
    return folder


def device(folder, at=None, deaths=0):
    """A function as a candidate that kills its process `deaths` times where it meets the sample `at`."""

    def device(inputs):
        x = inputs["input"]
        if at is not None and (x == at).all(axis=1).any():
            with open(f"{folder}/runs", "a") as log:
                log.write(".")
            if os.path.getsize(f"{folder}/runs") <= deaths:
                os.kill(os.getpid(), signal.SIGKILL)
        return [x[:, :3] * np.float32(0.1)]

    return device


def runs(folder):
    return len((folder / "runs").read_text())


def test_the_package_alone_loads_no_cluster():
    code = ("import sys, assay; loaded = {'ray', 'distributed', 'assay.distributed'} & set(sys.modules); "
            "assert not loaded, loaded; assay.distributed.audit")
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": PACKAGE})


@pytest.mark.parametrize("shards", [1, 3, None])
def test_arrays_give_the_bytes_of_a_single_audit(engine, shards, mlp, data, labels, whole):
    told = []
    result = distributed.audit(mlp, data, labels, **OPTIONS, **engine, shards=shards,
                               progress=lambda *step: told.append(step))
    assert result.to_json() == whole.to_json()
    assert result == whole
    assert told[-1] == ("samples", SAMPLES, SAMPLES)
    assert len(told) == (shards or 8)


def test_a_shard_whose_worker_is_killed_is_run_again(engine, mlp, data, labels, tmp_path):
    options = {**OPTIONS, "candidates": ["coreml-nn-gpu", device(tmp_path)]}
    expected = assay.audit(mlp, data, labels, **options)
    options["candidates"] = ["coreml-nn-gpu", device(tmp_path, data["input"][37], deaths=1)]
    result = distributed.audit(mlp, data, labels, **options, **engine, shards=10)
    assert runs(tmp_path) == 2
    assert result.to_json() == expected.to_json()


def test_a_shard_that_kills_every_worker_is_given_up(local, mlp, data, tmp_path, caplog):
    options = {**OPTIONS, "candidates": device(tmp_path, data["input"][37], deaths=99)}
    with pytest.raises(assay.AssayError) as lost:
        distributed.audit(mlp, data, **options, **local, shards=10, retries=1)
    assert lost.value.code == "A402"
    assert "lost 2 times" in lost.value.message
    assert "if __name__" in lost.value.fix
    assert "it is run again, 1 of 1" in caplog.text
    assert runs(tmp_path) == 2


def test_what_dask_gives_up_is_handed_out_again(dask_cluster, mlp, data, tmp_path, caplog):
    def allow(failures, dask_scheduler=None):
        before, dask_scheduler.allowed_failures = dask_scheduler.allowed_failures, failures
        return before

    options = {**OPTIONS, "candidates": device(tmp_path)}
    expected = assay.audit(mlp, data, **options)
    options["candidates"] = device(tmp_path, data["input"][37], deaths=2)
    before = dask_cluster["client"].run_on_scheduler(allow, 0)
    try:
        result = distributed.audit(mlp, data, **options, **dask_cluster, shards=4, retries=2)
    finally:
        dask_cluster["client"].run_on_scheduler(allow, before)
    assert runs(tmp_path) == 3
    assert "KilledWorker" in caplog.text
    assert result.to_json() == expected.to_json()


def test_the_last_worker_that_had_the_job_is_killed(mlp, data, tmp_path, caplog):
    """What was sent to Dask's workers is gone with it, and with it whatever was handed out."""
    dask = pytest.importorskip("distributed")
    options = {**OPTIONS, "candidates": device(tmp_path)}
    expected = assay.audit(mlp, data, **options)
    options["candidates"] = device(tmp_path, data["input"][37], deaths=1)
    with dask.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL,
                           local_directory=str(tmp_path)) as cluster, dask.Client(cluster, set_as_default=False) as c:
        result = distributed.audit(mlp, data, **options, engine="dask", client=c, shards=4)
    assert runs(tmp_path) == 2
    assert "it is run again" in caplog.text
    assert result.to_json() == expected.to_json()


def test_parts_in_files(engine, mlp, data, labels, whole, tmp_path):
    """Of any sizes, one of them empty, one of one sample, cut or as they are."""
    write_npz(tmp_path, data, labels, [0, 40, 40, 41, 80, SAMPLES])
    parts = tmp_path / "part-*.npz"
    for size in (None, 7, 1000):
        result = distributed.audit(mlp, parts, **OPTIONS, **engine, label_key="y", shard_size=size)
        assert result.to_json() == whole.to_json()


def test_shards_of_one_sample(local, mlp, data, labels, whole):
    result = distributed.audit(mlp, data, labels, **OPTIONS, **local, shard_size=1)
    assert result.to_json() == whole.to_json()


def test_labels_beside_the_parts_or_for_all_of_them(local, mlp, data, labels, whole, tmp_path):
    for i, (start, stop) in enumerate([(0, 60), (60, SAMPLES)]):
        np.savez(tmp_path / f"x{i}.npz", **{n: a[start:stop] for n, a in data.items()})
        np.save(tmp_path / f"y{i}.npy", labels[start:stop])
    np.save(tmp_path / "all.npy", labels)
    files = [tmp_path / "x0.npz", tmp_path / "x1.npz"]
    for given in (tmp_path / "y[01].npy", [tmp_path / "y0.npy", tmp_path / "y1.npy"], tmp_path / "all.npy", labels):
        result = distributed.audit(mlp, files, given, **OPTIONS, **local, shard_size=60)
        assert result.to_json() == whole.to_json()
    cut = distributed.audit(mlp, files, tmp_path / "y*.npy", **OPTIONS, **local, shards=5)
    assert cut.to_json() == whole.to_json()
    turned = distributed.audit(mlp, files[::-1], [tmp_path / "y1.npy", tmp_path / "y0.npy"], **OPTIONS, **local)
    order = np.r_[60:SAMPLES, 0:60]
    single = assay.audit(mlp, {"input": data["input"][order]}, labels[order], **OPTIONS)
    assert turned.to_json() == single.to_json()


@pytest.mark.parametrize("shard_size", [16, 100, None])
def test_batches_as_they_come(local, shard_size, mlp, data, labels, whole):
    def batches():
        for start in range(0, SAMPLES, 30):
            yield {"input": data["input"][start : start + 30]}, labels[start : start + 30]

    result = distributed.audit(mlp, batches(), **OPTIONS, **local, shard_size=shard_size)
    assert result.to_json() == whole.to_json()


def test_samples_as_they_come(engine, mlp, data, labels, whole):
    samples = (({"input": x}, y) for x, y in zip(data["input"], labels, strict=True))
    result = distributed.audit(mlp, samples, **OPTIONS, **engine, batched=False, shard_size=33)
    assert result.to_json() == whole.to_json()


def fixed_lists(x):
    pa = importlib.import_module("pyarrow")
    return pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), x.shape[1])


def plain_lists(x):
    pa = importlib.import_module("pyarrow")
    return pa.array(x.tolist(), pa.list_(pa.float32()))


def tensors(x):
    return importlib.import_module("pyarrow").FixedShapeTensorArray.from_numpy_ndarray(x)


def write_parquet(path, x, labels, column=fixed_lists, **words):
    pa, parquet = pytest.importorskip("pyarrow"), importlib.import_module("pyarrow.parquet")
    columns = {"id": pa.array([f"row {i}" for i in range(len(x))]), "input": column(x), "y": pa.array(labels)}
    parquet.write_table(pa.table(columns), path, **words)


@pytest.mark.parametrize("column", [fixed_lists, plain_lists, tensors])
def test_parquet(local, column, mlp, data, labels, whole, tmp_path):
    write_parquet(tmp_path / "a.parquet", data["input"][:70], labels[:70], column, row_group_size=32)
    write_parquet(tmp_path / "b.parquet", data["input"][70:], labels[70:], column)
    for size in (None, 9):
        result = distributed.audit(mlp, tmp_path, **OPTIONS, **local, inputs=["input"], label_key="y", shard_size=size)
        assert result.to_json() == whole.to_json()


def test_parquet_over_clusters(engine, mlp, data, labels, whole, tmp_path):
    write_parquet(tmp_path / "a.parquet", data["input"], labels, row_group_size=32)
    result = distributed.audit(mlp, tmp_path / "a.parquet", **OPTIONS, **engine, inputs=["input"], label_key="y")
    assert result.to_json() == whole.to_json()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def write_tar(path, samples):
    """samples: pairs of a name and bytes."""
    with tarfile.open(path, "w") as archive:
        for name, content in samples:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def tar_members(data, labels, start, stop):
    for i in range(start, stop):
        yield f"set/{i:05}.npy", npy(data["input"][i])
        yield f"set/{i:05}.cls", str(labels[i]).encode()
        yield f"set/{i:05}.json", json.dumps({"class": int(labels[i])}).encode()


def test_tar(engine, mlp, data, labels, whole, tmp_path):
    for i, (start, stop) in enumerate([(0, 61), (61, SAMPLES)]):
        write_tar(tmp_path / f"{i}.tar", tar_members(data, labels, start, stop))
    words = {**OPTIONS, **engine, "inputs": ["input"]}
    for key in ("cls", "json.class"):
        result = distributed.audit(mlp, tmp_path / "*.tar", **words, label_key=key, shards=3)
        assert result.to_json() == whole.to_json()


def test_tar_decoded_by_a_function(engine, mlp, data, labels, whole, tmp_path):
    members = [(f"{i:05}.raw", data["input"][i].tobytes() + bytes([labels[i]])) for i in range(SAMPLES)]
    write_tar(tmp_path / "a.tar", members)

    def decode(key, members):
        return {"input": np.frombuffer(members["raw"][:16], np.float32), "y": members["raw"][16]}

    result = distributed.audit(mlp, tmp_path / "a.tar", **OPTIONS, **engine, decode=decode, label_key="y")
    assert result.to_json() == whole.to_json()


def test_models_are_sent(engine, mlp, data, labels, whole, tmp_path):
    """From memory, or their files: what workers need is not on their disks when they begin."""
    content = Path(mlp).read_bytes()
    assert distributed.audit(content, data, labels, **OPTIONS, **engine).to_json() == whole.to_json()
    with pytest.warns(assay.AssayWarning):
        assay.convert(mlp, tmp_path / "m.mlmodel")
    assay.convert(mlp, tmp_path / "m.mlpackage")
    for name in ("m.mlmodel", "m.mlpackage"):
        single = assay.audit(tmp_path / name, data, labels, **OPTIONS)
        sent = distributed.audit(tmp_path / name, data, labels, **OPTIONS, **engine, ship_model=True)
        assert sent.to_json() == single.to_json()


def test_what_was_sent_lies_on_disk_for_one_shard_only(mlp, data, tmp_path, monkeypatch):
    """Clusters kill their workers: whatever these keep on disk stays there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = []

    def device(inputs):
        seen.extend(path.name for path in tmp_path.rglob("*.onnx"))
        return [inputs["input"][:, :3]]

    monkeypatch.setattr(_job, "_load", lambda packed: packed)  # not sent anywhere: the function is this one
    job = _job._Job("mlp.onnx", {"mlp.onnx": Path(mlp).read_bytes()},
                    {**OPTIONS, "candidates": device, "reference": "strict-f32"}, None)
    shard = Shard(ArraysPart.of("data", data, None, ()), 0)
    assert _job.audit_shard(job, shard).error is None
    assert "mlp.onnx" in seen
    assert not list(tmp_path.iterdir())


def test_warnings_reach_the_caller_once(local, mlp, data, labels):
    given = {**data, "other": np.zeros(SAMPLES, np.float32)}
    with pytest.warns(assay.AssayWarning, match="A310") as seen:
        result = distributed.audit(mlp, given, labels, **OPTIONS, **local, shards=5)
    assert [warning.code for warning in result.warnings] == ["A310"]
    assert len(seen) == 1


def test_a_page_is_written(local, mlp, data, tmp_path):
    distributed.audit(mlp, data, **OPTIONS, **local, html=tmp_path / "page.html")
    assert "bf16-storage" in (tmp_path / "page.html").read_text()


def test_recordings_are_cut_as_the_data(local, mlp, data, labels, tmp_path):
    assay.run(mlp, data, "coreml-nn-gpu", output=tmp_path / "out.npz")
    options = {**OPTIONS, "candidates": f"recorded:{tmp_path / 'out.npz'}"}
    single = assay.audit(mlp, data, labels, **options)
    result = distributed.audit(mlp, data, labels, **options, **local, shards=6)
    assert result.to_json() == single.to_json()


def wrong(code, where, call):
    with pytest.raises(assay.AssayError) as raised:
        call()
    assert raised.value.code == code, raised.value
    assert where in f"{raised.value.where}: {raised.value.message}"
    return raised.value


def test_errors_of_shards_name_them_and_are_not_tried_again(engine, mlp, data, labels, tmp_path):
    def failing(inputs):
        with open(tmp_path / "calls", "a") as log:
            log.write(".")
        raise ValueError("the device is away")

    audit = functools.partial(distributed.audit, mlp, **engine)
    options = {**OPTIONS, "candidates": failing}
    error = wrong("A402", "data", lambda: audit(data, labels, **options, shards=1))
    assert "the device is away" in error.message
    assert len((tmp_path / "calls").read_text()) == 1
    doubles = {"input": data["input"].astype(np.float64)}
    wrong("A303", "data[", lambda: audit(doubles, **OPTIONS, shards=4))
    options = {**OPTIONS, "candidates": "coreml-nn-gpo"}
    error = wrong("A002", "coreml-nn-gpo", lambda: audit(data, **options))
    assert isinstance(error, assay.UsageError)
    with open(tmp_path / "open", "w") as file:
        def unsendable(inputs):
            file.write("x")
            return inputs

        options = {**OPTIONS, "candidates": unsendable}
        wrong("A001", "unsendable cannot be sent", lambda: audit(data, **options))


def test_wrong_npz(local, mlp, data, labels, tmp_path):
    parts = write_npz(tmp_path, data, labels, [0, 50, SAMPLES])
    audit = functools.partial(distributed.audit, mlp, **OPTIONS, **local)
    wrong("A301", "there is no array z; there are input, y", lambda: audit(parts, label_key="z"))
    np.savez(tmp_path / "part-002.npz", input=data["input"], y=labels[1:])
    wrong("A305", "part-002.npz: 99 labels for 100 samples", lambda: audit(parts, label_key="y"))
    content = bytearray((tmp_path / "part-001.npz").read_bytes())
    (tmp_path / "part-002.npz").write_bytes(content[:-40])
    wrong("A304", "part-002.npz", lambda: audit(parts, label_key="y"))
    content[content.index(b"NUMPY") + 200] ^= 1  # in the numbers: headers are whole, the sum of the file is not
    (tmp_path / "part-002.npz").write_bytes(content)
    wrong("A304", "part-002.npz", lambda: audit(parts, label_key="y"))
    wrong("A101", "nothing.npz", lambda: audit(tmp_path / "nothing.npz"))
    wrong("A101", "*.tar", lambda: audit(tmp_path / "*.tar"))
    (tmp_path / "x.csv").write_text("1")
    wrong("A304", "x.csv", lambda: audit(tmp_path / "x.csv"))


def test_wrong_labels(engine, mlp, data, labels, tmp_path):
    audit = functools.partial(distributed.audit, mlp, **OPTIONS, **engine)
    wrong("A305", "99 labels for 100 samples", lambda: audit(data, labels[1:]))
    wrong("A302", "labels have the shape [100, 1]", lambda: audit(data, labels[:, None]))
    wrong("A306", "data[", lambda: audit(data, labels - 1, shards=3))
    wrong("A001", "labels and label_key", lambda: audit(data, labels, label_key="y"))


def test_wrong_parquet(local, mlp, data, labels, tmp_path):
    pa, parquet = pytest.importorskip("pyarrow"), importlib.import_module("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    audit = functools.partial(distributed.audit, mlp, path, **OPTIONS, **local)

    def column(values):
        parquet.write_table(pa.table({"input": values}), path)

    column(pa.array([[1.0, 2.0], [1.0]], pa.list_(pa.float32())))
    wrong("A302", "lists have the lengths [1, 2]", lambda: audit(shards=1))
    column(pa.array([[1.0, 2.0, None, 3.0]], pa.list_(pa.float32())))
    wrong("A304", "values are missing", audit)
    column(pa.array(["a", "b"]))
    wrong("A303", "string", audit)
    wrong("A301", "there is no array y; there are input", lambda: audit(label_key="y"))
    path.write_bytes(path.read_bytes()[:-9])
    wrong("A304", "a.parquet", audit)


def test_wrong_tar(local, mlp, data, labels, tmp_path):
    path = tmp_path / "a.tar"
    members = list(tar_members(data, labels, 0, 3))
    audit = functools.partial(distributed.audit, mlp, path, **OPTIONS, **local)
    write_tar(path, members)
    wrong("A301", "does not say which input", audit)
    wrong("A301", "there is no array json.klass", lambda: audit(inputs=["input"], label_key="json.klass"))
    wrong("A304", "KeyError: 'png'", lambda: audit(decode=lambda key, members: {"input": members["png"]}))
    write_tar(path, [*members[:4], members[0]])
    wrong("A304", "do not lie together", lambda: audit(inputs=["input"]))
    write_tar(path, [members[0], ("set/00001.npy", npy(data["input"][1][:3]))])
    wrong("A302", "samples have the shapes [4] and [3]", lambda: audit(inputs=["input"], shards=1))
    write_tar(path, [members[0], ("set/00001.npy", b"no array")])
    wrong("A304", "set/00001", lambda: audit(inputs=["input"]))
    write_tar(path, [("x.npy", npy(np.zeros(5000, np.float32)))])
    path.write_bytes(path.read_bytes()[:9000])
    wrong("A304", "a.tar", lambda: audit(inputs=["input"]))


def test_wrong_iterables(local, mlp, data, labels):
    audit = functools.partial(distributed.audit, mlp, **OPTIONS, **local)
    x = data["input"]
    wrong("A001", "batch 0", lambda: audit(iter([x])))
    wrong("A302", "batch 1", lambda: audit(iter([{"input": x}, {"input": x[:, :3]}])))
    wrong("A303", "batch 1", lambda: audit(iter([{"input": x}, {"input": x.astype(np.float64)}])))
    wrong("A301", "batch 1", lambda: audit(iter([{"input": x}, {"inputs": x}])))
    wrong("A305", "batch 1", lambda: audit(iter([({"input": x}, labels), {"input": x}])))
    wrong("A302", "no samples", lambda: audit(iter([])))
    wrong("A001", "takes no labels", lambda: audit(iter([{"input": x}]), labels))
    with pytest.raises(TypeError, match="an iterable of batches"):
        audit(3)


def test_wrong_words(local, mlp, data):
    audit = functools.partial(distributed.audit, mlp, data, **OPTIONS)
    wrong("A001", "there is no engine 'spark'", lambda: audit(engine="spark"))
    wrong("A001", "exclude each other", lambda: audit(shards=2, shard_size=3))
    for word in ("shards", "shard_size", "threads", "workers"):
        wrong("A001", f"{word} is 0", lambda word=word: audit(**{word: 0}))
    wrong("A001", "retries is -1", lambda: audit(retries=-1))
    several = {**data, "other": np.zeros((1, 3), np.float32)}
    wrong("A302", "input 100, other 1", lambda: distributed.audit(mlp, several, **OPTIONS, **local))
    wrong("A101", "nothing.onnx", lambda: distributed.audit("nothing.onnx", data, **OPTIONS, **local))
    wrong("A101", "nothing.onnx", lambda: distributed.audit("nothing.onnx", data, **OPTIONS, **local, ship_model=True))


@pytest.fixture
def frame(data, labels):
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame({"sample": np.arange(SAMPLES), "input": list(data["input"]), "y": labels})


def spark_map(mlp, **words):
    return distributed.spark_map(mlp, **OPTIONS, **{"index": "sample", "inputs": ["input"], "label_key": "y", **words})


def test_frames_in_any_order_are_audited(mlp, whole, frame):
    """As Spark calls the function: with some rows at a time, not always consecutive ones."""
    mixed = frame.sample(frac=1, random_state=3)
    for frames in ([frame], [frame[:37], frame[:0], frame[37:]], [mixed[:50], mixed[50:]]):
        rows = [row for part in spark_map(mlp)(iter(frames)) for row in part.itertuples()]
        assert sum(row.samples for row in rows) == SAMPLES
        assert assay.merge([row.audit for row in rows], fail_on="none").to_json() == whole.to_json()


def test_wrong_frames(mlp, frame):
    wrong("A301", "there is no column row", lambda: list(spark_map(mlp, index="row")([frame])))
    wrong("A301", "there is no array z", lambda: list(spark_map(mlp, label_key="z")([frame])))
    frame.at[3, "input"] = frame.at[3, "input"][:2]
    wrong("A302", "samples 0 to 99: input", lambda: list(spark_map(mlp)([frame])))
    wrong("A306", "samples 0 to 9", lambda: list(spark_map(mlp)([frame[10:20].assign(sample=range(10), y=-1)])))


SPARK = os.environ.get("ASSAY_SPARK_PYTHON") or (sys.executable if importlib.util.find_spec("pyspark") else "")


@pytest.mark.skipif(not SPARK, reason="pyspark is not installed: name a Python that has it in ASSAY_SPARK_PYTHON")
def test_spark(mlp, data, labels, tmp_path):
    np.savez(tmp_path / "data.npz", **data, y=labels)
    words = [SPARK, Path(__file__).parent / "spark_audit.py", mlp, tmp_path / "data.npz", tmp_path / "out"]
    done = subprocess.run(words, capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": PACKAGE, "PYSPARK_PYTHON": SPARK})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").read_text().endswith(f" parts, {SAMPLES} samples")


def test_a_recording_of_fewer_samples_is_refused(mlp, tmp_path):
    """Though it has as many as each shard."""
    x = {"input": np.random.default_rng(0).standard_normal((40, 4)).astype(np.float32)}
    np.savez(tmp_path / "short.npz", **assay.run(mlp, {"input": x["input"][:10]}).arrays)
    options = {"decision": "argmax", "candidates": f"recorded:{tmp_path / 'short.npz'}", "fail_on": "none"}
    for call in (lambda: assay.audit(mlp, x, **options),
                 lambda: distributed.audit(mlp, x, shard_size=10, workers=1, **options)):
        with pytest.raises(assay.AssayError, match="the recording has 10 samples, the data has 40") as refused:
            call()
        assert refused.value.code == "A302"
