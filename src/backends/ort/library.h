// ONNX Runtime's shared library: found, loaded and asked for its table of functions.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backends/ort/abi.h"
#include "base/result.h"

namespace assay::backends::ort {

/// A loaded library. It stays loaded until the process ends: runtimes leave threads behind.
class Library {
 public:
  /// The library that ASSAY_ORT_LIBRARY names, else the first that is found (find.h). Loaded once per file. Errors:
  /// backend_missing, which says what was found where: nothing, a file that is no such library, one that is too old.
  static Result<std::shared_ptr<Library>> load();

  const std::string& path() const { return path_; }
  const std::string& version() const { return version_; }  ///< "1.32.0"
  const std::vector<std::string>& providers() const { return providers_; }
  const OrtEnv* env() const { return env_; }
  OrtAllocator* allocator() const { return allocator_; }
  const OrtMemoryInfo* memory() const { return memory_; }  ///< the processor's

  /// call<Run>(session, ...): a function that gives a status. Errors: backend_failed with the library's message.
  template <class E, class... A>
  Status call(A... arguments) const {
    return status_of(E::call(table_, arguments...));
  }
  /// A function without a status.
  template <class E, class... A>
  auto plain(A... arguments) const {
    return E::call(table_, arguments...);
  }
  /// Whether the library knows if a shape is known; where it does not, a shape of rank 0 may be either.
  bool knows_shapes() const { return knows_shapes_; }

  /// What the library had to say (warnings and worse) since it was last asked, the first lines of it.
  static std::vector<std::string> take_messages();

 private:
  static Result<std::shared_ptr<Library>> open(const std::string& path);
  Status prepare();
  Status status_of(OrtStatus* status) const;

  std::string path_, version_;
  const void* const* table_ = nullptr;
  OrtEnv* env_ = nullptr;
  OrtAllocator* allocator_ = nullptr;
  OrtMemoryInfo* memory_ = nullptr;
  std::vector<std::string> providers_;
  bool knows_shapes_ = false;
};

/// An object of the library's that is released with its owner.
template <class T, class ReleaseEntry>
class Owned {
 public:
  explicit Owned(const Library& library) : library_(&library) {}
  Owned(Owned&& other) noexcept : library_(other.library_), object_(std::exchange(other.object_, nullptr)) {}
  Owned& operator=(Owned&&) = delete;
  ~Owned() {
    if (object_ != nullptr) library_->plain<ReleaseEntry>(object_);
  }
  T* get() const { return object_; }
  T** out() { return &object_; }

 private:
  const Library* library_;
  T* object_ = nullptr;
};
using Value = Owned<OrtValue, ReleaseValue>;
using ShapeInfo = Owned<OrtShapeInfo, ReleaseShapeInfo>;
using TypeInfo = Owned<OrtTypeInfo, ReleaseTypeInfo>;
using RunOptions = Owned<OrtRunOptions, ReleaseRunOptions>;
using SessionOptions = Owned<OrtSessionOptions, ReleaseSessionOptions>;

}  // namespace assay::backends::ort
