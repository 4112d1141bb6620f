// ONNX Runtime's C interface, as far as we call it: its table of functions by position. The table only ever grows at
// its end, so a position holds for every library from the version on that introduced it
// (docs/decisions/0018-onnxruntime-by-position.md).
#pragma once
#include <cstddef>
#include <cstdint>

namespace assay::backends::ort {

// Objects of the library, seen as pointers alone.
struct OrtEnv;
struct OrtStatus;
struct OrtMemoryInfo;
struct OrtSession;
struct OrtValue;
struct OrtRunOptions;
struct OrtTypeInfo;
struct OrtShapeInfo;
struct OrtSessionOptions;
struct OrtAllocator;
struct OrtProviderOptions;  ///< of one provider: CUDA's, TensorRT's, ...

/// What `OrtGetApiBase` returns.
struct OrtApiBase {
  const void* const* (*get_api)(uint32_t version);
  const char* (*version_text)();
};

/// The version that is asked for; 1.17 has every entry below but those that say otherwise.
inline constexpr uint32_t kApiVersion = 17;
inline constexpr const char* kOldestRuntime = "1.17";

using OrtLog = void (*)(void* param, int severity, const char* category, const char* id, const char* place,
                        const char* message);
inline constexpr int kWarningSeverity = 2;

// Values of the library's enumerations.
inline constexpr int kTensorValue = 1;
inline constexpr int kArenaAllocator = 1, kDefaultMemory = 0;

template <size_t kPosition, class F>
struct Entry;
template <size_t kPosition, class R, class... A>
struct Entry<kPosition, R(A...)> {
  static R call(const void* const* table, A... arguments) {
    return reinterpret_cast<R (*)(A...)>(const_cast<void*>(table[kPosition]))(arguments...);
  }
};

using CStrings = const char* const*;

using GetErrorMessage = Entry<2, const char*(const OrtStatus*)>;
using CreateEnvWithCustomLogger = Entry<4, OrtStatus*(OrtLog, void*, int severity, const char* id, OrtEnv**)>;
using CreateSession = Entry<7, OrtStatus*(const OrtEnv*, const char* path, const OrtSessionOptions*, OrtSession**)>;
using CreateSessionFromArray =
    Entry<8, OrtStatus*(const OrtEnv*, const void*, size_t, const OrtSessionOptions*, OrtSession**)>;
using Run = Entry<9, OrtStatus*(OrtSession*, const OrtRunOptions*, CStrings, const OrtValue* const*, size_t, CStrings,
                                size_t, OrtValue**)>;
using CreateSessionOptions = Entry<10, OrtStatus*(OrtSessionOptions**)>;
using SetSessionExecutionMode = Entry<13, OrtStatus*(OrtSessionOptions*, int)>;
using SetSessionGraphOptimizationLevel = Entry<23, OrtStatus*(OrtSessionOptions*, int)>;
using SetIntraOpNumThreads = Entry<24, OrtStatus*(OrtSessionOptions*, int)>;
using SetInterOpNumThreads = Entry<25, OrtStatus*(OrtSessionOptions*, int)>;
using CreateRunOptions = Entry<39, OrtStatus*(OrtRunOptions**)>;
using RunOptionsSetTerminate = Entry<46, OrtStatus*(OrtRunOptions*)>;
using CreateTensorAsOrtValue = Entry<48, OrtStatus*(OrtAllocator*, const int64_t*, size_t, int type, OrtValue**)>;
using CreateTensorWithDataAsOrtValue =
    Entry<49, OrtStatus*(const OrtMemoryInfo*, void*, size_t, const int64_t*, size_t, int type, OrtValue**)>;
using GetTensorMutableData = Entry<51, OrtStatus*(OrtValue*, void**)>;
using FillStringTensor = Entry<52, OrtStatus*(OrtValue*, CStrings, size_t)>;
using GetStringTensorDataLength = Entry<53, OrtStatus*(const OrtValue*, size_t*)>;
using GetStringTensorContent = Entry<54, OrtStatus*(const OrtValue*, void*, size_t, size_t*, size_t)>;
using CastTypeInfoToTensorInfo = Entry<55, OrtStatus*(const OrtTypeInfo*, const OrtShapeInfo**)>;
using GetOnnxTypeFromTypeInfo = Entry<56, OrtStatus*(const OrtTypeInfo*, int*)>;
using GetTensorElementType = Entry<60, OrtStatus*(const OrtShapeInfo*, int*)>;
using GetDimensionsCount = Entry<61, OrtStatus*(const OrtShapeInfo*, size_t*)>;
using GetDimensions = Entry<62, OrtStatus*(const OrtShapeInfo*, int64_t*, size_t)>;
using GetSymbolicDimensions = Entry<63, OrtStatus*(const OrtShapeInfo*, const char**, size_t)>;
using GetTensorTypeAndShape = Entry<65, OrtStatus*(const OrtValue*, OrtShapeInfo**)>;
using GetValueType = Entry<67, OrtStatus*(const OrtValue*, int*)>;
using CreateCpuMemoryInfo = Entry<69, OrtStatus*(int allocator, int memory, OrtMemoryInfo**)>;
using AllocatorFree = Entry<76, OrtStatus*(OrtAllocator*, void*)>;
using GetAllocatorWithDefaultOptions = Entry<78, OrtStatus*(OrtAllocator**)>;
using ReleaseStatus = Entry<93, void(OrtStatus*)>;
using ReleaseMemoryInfo = Entry<94, void(OrtMemoryInfo*)>;
using ReleaseSession = Entry<95, void(OrtSession*)>;
using ReleaseValue = Entry<96, void(OrtValue*)>;
using ReleaseRunOptions = Entry<97, void(OrtRunOptions*)>;
using ReleaseTypeInfo = Entry<98, void(OrtTypeInfo*)>;
using ReleaseShapeInfo = Entry<99, void(OrtShapeInfo*)>;
using ReleaseSessionOptions = Entry<100, void(OrtSessionOptions*)>;
using GetAvailableProviders = Entry<125, OrtStatus*(char***, int*)>;
using ReleaseAvailableProviders = Entry<126, OrtStatus*(char**, int)>;
using AddSessionConfigEntry = Entry<130, OrtStatus*(OrtSessionOptions*, const char*, const char*)>;
using AppendProvider =
    Entry<216, OrtStatus*(OrtSessionOptions*, const char* name, CStrings keys, CStrings values, size_t)>;
using HasShape = Entry<390, bool(const OrtShapeInfo*)>;  ///< from 1.24 on
inline constexpr uint32_t kHasShapeVersion = 24;

// Inputs, outputs and inputs that have a value of their own (initializers) are three lists with the same questions.
template <size_t kCount, size_t kType, size_t kName>
struct PortEntries {
  using Count = Entry<kCount, OrtStatus*(const OrtSession*, size_t*)>;
  using TypeInfo = Entry<kType, OrtStatus*(const OrtSession*, size_t, OrtTypeInfo**)>;
  using Name = Entry<kName, OrtStatus*(const OrtSession*, size_t, OrtAllocator*, char**)>;
};
using InputEntries = PortEntries<30, 33, 36>;
using OutputEntries = PortEntries<31, 34, 37>;
using InitializerEntries = PortEntries<32, 35, 38>;

// Providers that are older than AppendProvider have options of their own type, made, filled, appended and released by
// four functions.
template <size_t kCreate, size_t kUpdate, size_t kAppend, size_t kRelease>
struct ProviderEntries {
  using Create = Entry<kCreate, OrtStatus*(OrtProviderOptions**)>;
  using Update = Entry<kUpdate, OrtStatus*(OrtProviderOptions*, CStrings keys, CStrings values, size_t)>;
  using Append = Entry<kAppend, OrtStatus*(OrtSessionOptions*, const OrtProviderOptions*)>;
  using Release = Entry<kRelease, void(OrtProviderOptions*)>;
};
using TensorRtEntries = ProviderEntries<171, 172, 170, 174>;
using CudaEntries = ProviderEntries<205, 206, 204, 208>;
using CannEntries = ProviderEntries<221, 222, 220, 224>;
using DnnlEntries = ProviderEntries<240, 241, 239, 243>;
using RocmEntries = ProviderEntries<255, 256, 153, 258>;

}  // namespace assay::backends::ort
