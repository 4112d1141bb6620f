"""Where shards are audited: processes of this machine, or workers of a Ray or Dask cluster that is there already."""

from __future__ import annotations

import logging
import multiprocessing
import os
import warnings
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import FIRST_COMPLETED, CancelledError, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

from assay._errors import AssayError, UsageError
from assay._job import Outcome, Packed, audit_shard
from assay._optional import optional
from assay._shards import Shard

_AHEAD = 2  # shards handed out for each that can run: the next lies ready, and memory stays bounded
_LOG = logging.getLogger("assay.distributed")
_ON_WORKERS = "install assay and what the functions need on the workers, in the same versions"


class LostError(Exception):
    """The worker that had the shard is gone. The shard can be run again."""


class Engine(Protocol):
    """Workers. A handle is whatever stands for a shard that was handed out."""

    slots: int
    advice: str

    def submit(self, shard: Shard) -> Any: ...
    def wait(self, handles: Collection[Any]) -> Iterable[Any]:
        """Those that have ended: at least one."""
        ...

    def outcome(self, handle: Any) -> Outcome:
        """Of one that has ended. Raises LostError; AssayError A402 when the cluster failed otherwise."""
        ...

    def close(self, handles: Collection[Any]) -> None:
        """Ends what still runs."""
        ...


class LocalEngine:
    """Processes of this machine."""

    advice = (
        "a worker may have run out of memory: use smaller shards or fewer workers; a script that starts processes "
        "needs `if __name__ == '__main__':`"
    )

    def __init__(self, packed: Packed, threads: int, workers: int | None) -> None:
        self.slots = workers or max(1, (os.cpu_count() or 1) // max(1, threads))
        self._packed = packed
        self._pool = self._start()

    def _start(self) -> Any:
        return ProcessPoolExecutor(
            self.slots, multiprocessing.get_context("spawn"), initializer=_keep, initargs=(self._packed,)
        )

    def submit(self, shard: Shard) -> Any:
        try:
            return self._pool.submit(_audit_kept, shard)
        except BrokenProcessPool:
            self._pool.shutdown(wait=True)
            self._pool = self._start()
            return self._pool.submit(_audit_kept, shard)

    def wait(self, handles: Collection[Any]) -> Iterable[Any]:
        return wait(handles, return_when=FIRST_COMPLETED).done

    def outcome(self, handle: Any) -> Outcome:
        return _outcome(handle.result, (BrokenProcessPool,))

    def close(self, handles: Collection[Any]) -> None:
        if handles:  # a shard that nobody wants any more is not waited for; Python 3.14 has a method for this
            for process in list((getattr(self._pool, "_processes", None) or {}).values()):
                process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)


_kept: list[Packed] = []


def _keep(packed: Packed) -> None:
    """Starts a process of LocalEngine."""
    _kept[:] = [packed]


def _audit_kept(shard: Shard) -> Outcome:
    return audit_shard(_kept[0], shard)


class RayEngine:
    """Workers of a Ray cluster."""

    advice = "see the logs of the workers; a worker may have run out of memory: use smaller shards"

    def __init__(self, packed: Packed, threads: int, address: str | None) -> None:
        ray = self._ray = optional("ray", "ray", "engine")
        self._connected = not ray.is_initialized()
        if self._connected:
            self._connect(address)
        cpus = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
        self.slots = sum(count // threads for count in cpus)
        if not cpus:
            self._leave()
            raise AssayError("A402", "no machine of the Ray cluster is alive", "engine", "see the logs of its raylets")
        if self.slots == 0:
            self._leave()
            raise UsageError("A001", f"no machine of the Ray cluster has {threads} CPUs", "threads", "use fewer")
        self._packed = ray.put(packed)
        # Shards are run again by us, as with every engine, so that one counts losses and writes them to the log.
        self._remote: Any = ray.remote(num_cpus=threads, max_retries=0)(audit_shard)

    def _connect(self, address: str | None) -> None:
        if address is None:
            raise UsageError("A001", "there is no Ray cluster", "engine", "call ray.init() first, or give address=")
        try:
            self._ray.init(address=address)
        except (ConnectionError, ValueError, RuntimeError) as failed:
            raise AssayError("A402", f"no Ray cluster answers: {failed}", address, "check the address") from failed

    def submit(self, shard: Shard) -> Any:
        return self._remote.remote(self._packed, shard)

    def wait(self, handles: Collection[Any]) -> Iterable[Any]:
        done: list[Any] = self._ray.wait(list(handles), num_returns=1)[0]
        return done

    def outcome(self, handle: Any) -> Outcome:
        errors = self._ray.exceptions
        lost = (errors.WorkerCrashedError, errors.NodeDiedError, errors.OutOfMemoryError, errors.ObjectLostError)
        return _outcome(lambda: self._ray.get(handle), lost)

    def close(self, handles: Collection[Any]) -> None:
        for handle in handles:
            self._ray.cancel(handle, force=True)
        self._leave()

    def _leave(self) -> None:
        if self._connected:
            self._ray.shutdown()


class DaskEngine:
    """Workers of a Dask cluster."""

    advice = "see the logs of the workers; a worker may have run out of memory: use smaller shards"

    def __init__(self, packed: Packed, client: Any, address: str | None) -> None:
        self._dask = optional("distributed", "distributed", "engine")
        self._connected = client is None and address is not None
        self._client: Any = client if client is not None else self._connect(address)
        self.slots = sum(self._client.nthreads().values())
        if self.slots == 0:
            self._leave()
            raise AssayError("A402", "the Dask cluster has no workers", "client", "start workers first")
        # Not distributed.wait, which waits in the loop of the default client, whoever's the futures are.
        self._ended = self._dask.as_completed(loop=self._client.loop)
        self._packed = packed
        self._scatter()

    def _connect(self, address: str | None) -> Any:
        try:
            if address is None:
                return self._dask.default_client()
            return self._dask.Client(address, set_as_default=False)
        except ValueError as missing:
            raise UsageError(
                "A001", "there is no Dask cluster", "engine", "make a distributed.Client first, or give client="
            ) from missing
        except OSError as failed:
            raise AssayError(
                "A402", f"no Dask cluster answers: {failed}", str(address), "check the address"
            ) from failed

    def _scatter(self) -> None:
        """To every worker that there is; those that come later fetch it from one of these."""
        self._sent = self._client.scatter(self._packed, broadcast=True, hash=False)

    def submit(self, shard: Shard) -> Any:
        if self._sent.status != "finished":  # the last worker that had it is gone
            self._scatter()
        with warnings.catch_warnings():  # shards of arrays in memory travel with their task, and only with it
            warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
            handle = self._client.submit(audit_shard, self._sent, shard, pure=False)
        self._ended.add(handle)
        return handle

    def wait(self, handles: Collection[Any]) -> Iterable[Any]:
        return [next(self._ended)]

    def outcome(self, handle: Any) -> Outcome:
        # Dask itself runs what a lost worker had elsewhere, and gives up after distributed.scheduler.allowed-failures.
        return _outcome(handle.result, (self._dask.KilledWorker, CancelledError))

    def close(self, handles: Collection[Any]) -> None:
        self._client.cancel(list(handles))
        del self._sent
        self._leave()

    def _leave(self) -> None:
        if self._connected:
            self._client.close()


def _outcome(get: Callable[[], Outcome], lost: tuple[type[BaseException], ...]) -> Outcome:
    try:
        return get()
    except lost as gone:
        raise LostError(f"{type(gone).__name__}: {gone}".strip()) from gone
    except Exception as failed:  # of whatever kind the cluster has; what shards do wrong is returned, not raised
        raise AssayError("A402", f"a worker failed: {type(failed).__name__}: {failed}", "", _ON_WORKERS) from failed


def run_all(
    engine: Engine, shards: Iterable[Shard], retries: int, done: Callable[[Shard], None]
) -> list[tuple[Shard, Outcome]]:
    """What came of every shard, in the order of the data. A lost shard is run again, up to `retries` times.

    Raises the first AssayError of a shard, the others being ended; A402 for one that was lost too often.
    """
    waiting = iter(shards)
    running: dict[Any, tuple[Shard, int]] = {}
    ended: list[tuple[Shard, Outcome]] = []
    try:
        while True:
            while len(running) < _AHEAD * engine.slots and (shard := next(waiting, None)) is not None:
                running[engine.submit(shard)] = (shard, 0)
            if not running:
                return sorted(ended, key=lambda pair: pair[0].first)
            for handle in engine.wait(running.keys()):
                shard, losses = running.pop(handle)
                try:
                    outcome = engine.outcome(handle)
                except LostError as loss:
                    running[_again(engine, shard, losses + 1, retries, loss)] = (shard, losses + 1)
                    continue
                if outcome.error is not None:
                    raise outcome.error
                ended.append((shard, outcome))
                done(shard)
    finally:
        engine.close(running.keys())


def _again(engine: Engine, shard: Shard, losses: int, retries: int, loss: LostError) -> Any:
    if losses > retries:
        raise AssayError("A402", f"its worker was lost {losses} times, at last by {loss}", shard.name, engine.advice)
    _LOG.warning("%s: its worker was lost (%s); it is run again, %d of %d", shard.name, loss, losses, retries)
    return engine.submit(shard)
