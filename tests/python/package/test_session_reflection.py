"""Names, parameters and defaults of sessions are those of the installed ONNX Runtime."""
import inspect

import onnxruntime
import pytest

import assay

# What the real package has and ours has not, and why.
ABSENT = {
    "InferenceSession": {
        "create_ortvalue_from_shape_and_type": "device memory",
        "get_input_epdevices": "devices of plug-in providers",
        "get_input_memory_infos": "device memory",
        "get_output_memory_infos": "device memory",
        "get_overridable_initializers": "sessions keep the model's defaults; `assay.run` replaces them",
        "get_profiling_start_time_ns": "nothing is profiled",
        "get_provider_graph_assignment_info": "objects of plug-in providers: `partition` tells the same",
        "get_tuning_results": "nothing is tuned",
        "release_captured_graph": "CUDA graphs",
        "run_with_ortvaluevector": "vectors of the C++ binding",
        "set_ep_dynamic_options": "plug-in providers",
        "set_tuning_results": "nothing is tuned",
    },
    "SessionOptions": {
        "add_external_initializers": "initializers are those of the model",
        "add_external_initializers_from_files_in_memory": "initializers are those of the model",
        "add_free_dimension_override_by_denotation": "sizes are those of the inputs",
        "add_provider_for_devices": "plug-in providers",
        "clear_ep_context_data_read_func": "compiled models",
        "set_ep_context_data_read_func": "compiled models",
        "set_load_cancellation_flag": "Ctrl-C cancels",
        "set_provider_selection_policy": "plug-in providers",
        "set_provider_selection_policy_delegate": "plug-in providers",
    },
    "RunOptions": {"add_active_adapter": "LoRA adapters"},
    "OrtValue": {"as_sparse_tensor": "sparse tensors", "ort_value_from_sparse_tensor": "sparse tensors"},
    "IOBinding": {
        "bind_input": "addresses of device memory",
        "get_outputs_as_ortvaluevector": "vectors of the C++ binding",
    },
    "ModelMetadata": {},
    "NodeArg": {},
    "GraphOptimizationLevel": {},
    "ExecutionMode": {},
    "ExecutionOrder": {},
}


def public(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


def instance(module, name):
    return getattr(module, name)() if name in ("SessionOptions", "RunOptions") else getattr(module, name)


@pytest.mark.parametrize("name", ABSENT)
def test_every_name_is_there_or_its_absence_explained(name):
    ours, theirs = public(instance(assay, name)), public(instance(onnxruntime, name))
    if name in ("ModelMetadata", "NodeArg"):
        ours = set(getattr(assay, name).__dataclass_fields__)
    missing = theirs - ours - ({"name", "value"} if hasattr(getattr(assay, name), "__members__") else set())
    assert missing == set(ABSENT[name]), f"explained and there: {set(ABSENT[name]) - missing}"


@pytest.mark.parametrize("name", ["InferenceSession", "OrtValue", "IOBinding"])
def test_parameters_are_the_same(name):
    for method in public(getattr(onnxruntime, name)) - set(ABSENT[name]):
        ours, theirs = (inspect.signature(getattr(getattr(m, name), method)).parameters for m in (assay, onnxruntime))
        described = [[(p.name, p.kind, p.default) for p in parameters.values()] for parameters in (ours, theirs)]
        assert described[0] == described[1], f"{name}.{method}"
    ours, theirs = (list(inspect.signature(m.InferenceSession.__init__).parameters) for m in (assay, onnxruntime))
    assert ours == theirs


@pytest.mark.parametrize("name", ["SessionOptions", "RunOptions"])
def test_defaults_are_the_same(name):
    ours, theirs = instance(assay, name), instance(onnxruntime, name)
    for attribute in public(theirs) - set(ABSENT[name]):
        value = getattr(theirs, attribute)
        if callable(value):
            assert callable(getattr(ours, attribute))
        elif hasattr(value, "name"):
            assert getattr(ours, attribute).name == value.name
        else:
            assert getattr(ours, attribute) == value, attribute


@pytest.mark.parametrize("name", ["GraphOptimizationLevel", "ExecutionMode", "ExecutionOrder"])
def test_levels_have_the_same_values(name):
    theirs = {key: int(member) for key, member in getattr(onnxruntime, name).__members__.items()}
    assert {member.name: member.value for member in getattr(assay, name)} == theirs


def test_functions_of_the_module():
    assert assay.get_all_providers() == onnxruntime.get_all_providers()
    assert set(assay.get_available_providers()) <= set(assay.get_all_providers())
    assert assay.get_device() == onnxruntime.get_device()
    for entry in (assay.SessionOptions(), onnxruntime.SessionOptions()):
        entry.add_session_config_entry("session.x", "1")
        assert entry.get_session_config_entry("session.x") == "1"
        with pytest.raises(RuntimeError):
            entry.get_session_config_entry("session.y")


REAL = onnxruntime.capi.onnxruntime_pybind11_state
EXCEPTIONS = [name for name in dir(REAL) if isinstance(getattr(REAL, name), type)
              and issubclass(getattr(REAL, name), BaseException)]


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_exceptions_have_the_same_names(name):
    assert issubclass(getattr(assay.capi.onnxruntime_pybind11_state, name), assay.AssayError)


# Public names of the module itself that ours has not.
ABSENT_NAMES = {
    "devices and their memory": {
        "OrtAllocatorType", "OrtArenaCfg", "OrtDevice", "OrtDeviceMemoryType", "OrtDeviceVendorId", "OrtHardwareDevice",
        "OrtHardwareDeviceType", "OrtMemType", "OrtMemoryInfo", "OrtMemoryInfoDeviceType", "OrtSyncStream",
        "copy_tensors", "create_and_register_allocator", "create_and_register_allocator_v2", "cuda_version",
        "preload_dlls"},
    "plug-in providers": {
        "OrtEpAssignedNode", "OrtEpAssignedSubgraph", "OrtEpDevice", "OrtExecutionProviderDevicePolicy",
        "get_ep_devices", "register_execution_provider_library", "unregister_execution_provider_library"},
    "compiled models and packages": {
        "ModelCompiler", "ModelPackage", "ModelPackageComponentContext", "ModelPackageContext", "ModelPackageOptions",
        "ModelPackageWriteMode", "OrtCompileApiFlags", "OrtEpContextData", "OrtEpContextDataBuffer",
        "OrtExternalInitializerInfo"},
    "LoRA adapters": {"AdapterFormat", "LoraAdapter"},
    "sparse tensors": {"OrtSparseFormat", "SparseTensor"},
    "logs and how ONNX Runtime was built": {
        "get_build_info", "has_collective_ops", "package_name", "print_debug_info", "set_default_logger_callback",
        "set_global_thread_pool_sizes"},
    "its own inner names": {"SessionIOBinding", "import_capi_exception"},
}


def test_every_name_of_the_module_is_there_or_its_absence_explained():
    # Not its modules: which are there depends on what another test imported before.
    names = {name for name in public(onnxruntime) if not inspect.ismodule(getattr(onnxruntime, name))}
    missing = names - public(assay)
    assert missing == set().union(*ABSENT_NAMES.values())
