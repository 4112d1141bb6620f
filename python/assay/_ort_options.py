"""Options of sessions and runs, with ONNX Runtime's names and defaults."""

from __future__ import annotations

import enum
import operator
import os
from typing import Any

from assay._errors import UsageError
from assay.capi.onnxruntime_pybind11_state import NotImplemented as NotThere


class GraphOptimizationLevel(enum.IntEnum):
    """ONNX Runtime's levels. Assay computes what the model says: they change nothing."""

    ORT_DISABLE_ALL = 0
    ORT_ENABLE_BASIC = 1
    ORT_ENABLE_EXTENDED = 2
    ORT_ENABLE_LAYOUT = 3
    ORT_ENABLE_ALL = 99


class ExecutionMode(enum.IntEnum):
    """ONNX Runtime's modes. Results do not depend on them."""

    ORT_SEQUENTIAL = 0
    ORT_PARALLEL = 1


class ExecutionOrder(enum.IntEnum):
    """ONNX Runtime's orders. Results do not depend on them."""

    DEFAULT = 0
    PRIORITY_BASED = 1
    MEMORY_EFFICIENT = 2


class _Options:
    """Attributes as those of ONNX Runtime's classes are: other names and other types are refused."""

    __slots__ = ("_entries",)

    def __setattr__(self, name: str, value: Any) -> None:
        before = getattr(self, name, value)
        if isinstance(before, enum.Enum):
            if not isinstance(value, type(before)):
                raise TypeError(f"{name} is a {type(before).__name__}, not {value!r}")
        elif isinstance(before, bool):
            value = operator.index(value) != 0
        elif isinstance(before, int):
            value = operator.index(value)
        elif isinstance(before, str):
            value = os.fspath(value)
        object.__setattr__(self, name, value)


class SessionOptions(_Options):
    """Options of a session. `intra_op_num_threads` takes effect; the others are kept, and change no result.

    What would change a result and is not there raises: custom operators, replaced initializers, fixed free dimensions.
    So do, when the session is made, the two that ask for files which nobody would write.
    """

    __slots__ = (
        "_providers",
        "enable_cpu_mem_arena",
        "enable_mem_pattern",
        "enable_mem_reuse",
        "enable_profiling",
        "execution_mode",
        "execution_order",
        "graph_optimization_level",
        "inter_op_num_threads",
        "intra_op_num_threads",
        "log_severity_level",
        "log_verbosity_level",
        "logid",
        "optimized_model_filepath",
        "profile_file_prefix",
        "use_deterministic_compute",
        "use_per_session_threads",
    )

    def __init__(self) -> None:
        self.enable_cpu_mem_arena = True
        self.enable_mem_pattern = True
        self.enable_mem_reuse = True
        self.enable_profiling = False
        self.execution_mode = ExecutionMode.ORT_SEQUENTIAL
        self.execution_order = ExecutionOrder.DEFAULT
        self.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_ALL
        self.inter_op_num_threads = 0
        self.intra_op_num_threads = 0
        self.log_severity_level = -1
        self.log_verbosity_level = 0
        self.logid = ""
        self.optimized_model_filepath = ""
        self.profile_file_prefix = "onnxruntime_profile_"
        self.use_deterministic_compute = False
        self.use_per_session_threads = True
        self._entries: dict[str, str] = {}
        self._providers: list[tuple[str, dict[str, str]]] = []

    def _check(self) -> None:
        if self.enable_profiling:
            raise UsageError("A001", "sessions write no profile of their time", "SessionOptions.enable_profiling",
                             "leave it out; `assay bench run` times models")  # fmt: skip
        if self.optimized_model_filepath:
            raise UsageError("A001", "sessions write no optimised model", "SessionOptions.optimized_model_filepath",
                             "leave it out; `assay inspect --emit-onnx` writes what a device runs")  # fmt: skip

    def add_session_config_entry(self, key: str, value: str, /) -> None:
        """Keeps an entry. Real runtimes (`ort:NAME`) are given it."""
        self._entries[key] = value

    def get_session_config_entry(self, key: str, /) -> str:
        """An entry that was kept."""
        if key not in self._entries:
            raise RuntimeError(f"SessionOptions does not have configuration with key: {key}")
        return self._entries[key]

    def add_provider(self, name: str, options: dict[str, str], /) -> None:
        """A provider for sessions that are given none themselves."""
        self._providers.append((name, dict(options)))

    def has_providers(self) -> bool:
        """Whether add_provider was called."""
        return bool(self._providers)

    def register_custom_ops_library(self, path: str, /) -> None:
        """Raises: Assay runs no operators from libraries."""
        raise NotThere("A104", "operators from libraries do not run", path, "export the model with standard operators")

    def add_initializer(self, name: str, value: object, /) -> None:
        """Raises: initializers are those of the model."""
        raise NotThere("A104", "initializers cannot be replaced", name, "put the value into the model")

    def add_free_dimension_override_by_name(self, name: str, size: int, /) -> None:
        """Raises: sizes are those of the inputs."""
        raise NotThere("A104", "free dimensions are those of the inputs", name, "leave the override out")


class RunOptions(_Options):
    """Options of a run. What takes effect: `terminate`, and the entry `assay.variant` (which of `variants` runs)."""

    __slots__ = ("log_severity_level", "log_verbosity_level", "logid", "only_execute_path_to_fetches", "terminate")

    def __init__(self) -> None:
        self.log_severity_level = -1
        self.log_verbosity_level = 0
        self.logid = ""
        self.only_execute_path_to_fetches = False
        self.terminate = False
        self._entries: dict[str, str] = {}

    def add_run_config_entry(self, key: str, value: str, /) -> None:
        """Keeps an entry."""
        self._entries[key] = value

    def get_run_config_entry(self, key: str, /) -> str:
        """An entry that was kept."""
        if key not in self._entries:
            raise RuntimeError(f"RunOptions does not have configuration with key: {key}")
        return self._entries[key]
