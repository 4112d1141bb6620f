#include "backends/ort/session.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "backends/ort/outputs.h"
#include "backends/ort/tensors.h"
#include "base/cancel.h"
#include "base/mapped_file.h"
#include "base/text.h"
#include "coreml/file.h"

namespace assay::backends::ort {
namespace {

using SessionHandle = Owned<OrtSession, ReleaseSession>;
constexpr const char* kWeightsFolder = "session.model_external_initializers_file_folder_path";

/// Keys and values as the library takes them.
struct Columns {
  explicit Columns(const std::map<std::string, std::string>& options) {
    for (const auto& [key, value] : options) {
      keys.push_back(key.c_str());
      values.push_back(value.c_str());
    }
  }
  std::vector<const char*> keys, values;
};

template <class Entries>
Status append_typed(const Library& library, OrtSessionOptions* to, const char*, const Columns& columns) {
  Owned<OrtProviderOptions, typename Entries::Release> options(library);
  ASSAY_CHECK(library.call<typename Entries::Create>(options.out()));
  ASSAY_CHECK(library.call<typename Entries::Update>(options.get(), columns.keys.data(), columns.values.data(),
                                                     columns.keys.size()));
  return library.call<typename Entries::Append>(to, options.get());
}

Status append_named(const Library& library, OrtSessionOptions* to, const char* name, const Columns& columns) {
  return library.call<AppendProvider>(to, name, columns.keys.data(), columns.values.data(), columns.keys.size());
}

/// How a provider is appended: by functions of its own, or under a short name.
struct Way {
  std::string_view provider;
  Status (*append)(const Library&, OrtSessionOptions*, const char* name, const Columns&);
  const char* name;
};
constexpr std::array kWays = {
    Way{"CUDAExecutionProvider", append_typed<CudaEntries>, ""},
    Way{"TensorrtExecutionProvider", append_typed<TensorRtEntries>, ""},
    Way{"CANNExecutionProvider", append_typed<CannEntries>, ""},
    Way{"DnnlExecutionProvider", append_typed<DnnlEntries>, ""},
    Way{"ROCMExecutionProvider", append_typed<RocmEntries>, ""},
    Way{"AzureExecutionProvider", append_named, "AZURE"},
    Way{"CoreMLExecutionProvider", append_named, "CoreML"},
    Way{"DmlExecutionProvider", append_named, "DML"},
    Way{"JsExecutionProvider", append_named, "JS"},
    Way{"NvTensorRTRTXExecutionProvider", append_named, "NvTensorRtRtx"},
    Way{"OpenVINOExecutionProvider", append_named, "OpenVINO"},
    Way{"QNNExecutionProvider", append_named, "QNN"},
    Way{"SNPEExecutionProvider", append_named, "SNPE"},
    Way{"VitisAIExecutionProvider", append_named, "VitisAI"},
    Way{"WebGpuExecutionProvider", append_named, "WebGPU"},
    Way{"WebNNExecutionProvider", append_named, "WEBNN"},
    Way{"XnnpackExecutionProvider", append_named, "XNNPACK"},
};

Status append_provider(const Library& library, OrtSessionOptions* to, const Words& words) {
  const auto& has = library.providers();
  if (std::ranges::find(has, words.provider) == has.end())
    return Error{Code::backend_missing,
                 "ONNX Runtime " + library.version() + " has no " + words.provider + "; it has " + join(has, ", "),
                 library.path(), "install the package of ONNX Runtime with this provider, or choose one that it has"};
  if (words.provider == kCpuProvider) return {};  // every session ends with it
  const auto way = std::ranges::find(kWays, words.provider, &Way::provider);
  const Columns columns(words.options);
  auto appended = way == kWays.end() ? append_named(library, to, words.provider.c_str(), columns)
                                     : way->append(library, to, way->name, columns);
  if (!appended.ok())
    return Error{Code::backend_missing, words.provider + " cannot be used: " + appended.error().message, library.path(),
                 "check its options and what it needs on this machine"};
  return {};
}

Status set_option(const Library& library, OrtSessionOptions* to, const std::string& key, const std::string& value) {
  ASSAY_TRY(const auto option, session_option(key, value));
  if (!option) return library.call<AddSessionConfigEntry>(to, key.c_str(), value.c_str());
  switch (option->kind) {
    case SessionOption::Kind::optimization:
      return library.call<SetSessionGraphOptimizationLevel>(to, option->value);
    case SessionOption::Kind::mode:
      return library.call<SetSessionExecutionMode>(to, option->value);
    case SessionOption::Kind::intra_threads:
      return library.call<SetIntraOpNumThreads>(to, option->value);
    case SessionOption::Kind::inter_threads:
      return library.call<SetInterOpNumThreads>(to, option->value);
  }
  return {};
}

/// Ends a run when the user wants to stop.
class Watch {
 public:
  Watch(const Library& library, OrtRunOptions* run) {
    thread_ = std::jthread([&library, run, this](const std::stop_token& stop) {
      std::unique_lock lock(mutex_);
      while (!wake_.wait_for(lock, stop, std::chrono::milliseconds(50), [] { return cancel_requested(); }))
        if (stop.stop_requested()) return;
      (void)library.call<RunOptionsSetTerminate>(run);
    });
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // joined before the others go
};

class Session : public Runner, public std::enable_shared_from_this<Session> {
 public:
  explicit Session(std::shared_ptr<Library> library) : library_(std::move(library)), session_(*library_) {}
  Status open(const Request& request);
  const Opened& opened() const override { return opened_; }
  Result<std::vector<ir::Tensor>> run(std::span<const ir::Tensor> inputs) override;

 private:
  Status create(const Request& request, SessionOptions& options);
  template <class Entries>
  Result<std::vector<Port>> ports(bool floats_only) const;
  template <class Entries>
  Result<std::string> name_of(size_t index) const;
  Status add_given(const std::vector<std::string>& given);

  std::shared_ptr<Library> library_;
  SessionHandle session_;
  Opened opened_;
  bool watched_ = true;
};

/// From the bytes that are given; else from the file where it is as it is, and from memory where it has more outputs,
/// its weights' files still beside it.
Status Session::create(const Request& request, SessionOptions& options) {
  if (!request.bytes.empty())
    return library_->call<CreateSessionFromArray>(library_->env(), static_cast<const void*>(request.bytes.data()),
                                                  request.bytes.size(), options.get(), session_.out());
  ASSAY_TRY(const MappedFile file, MappedFile::open(request.model));
  if (!request.intermediates)
    return library_->call<CreateSession>(library_->env(), request.model.c_str(), options.get(), session_.out());
  ASSAY_TRY(const std::vector<std::string> names, inner_values(file.bytes()));
  const std::string bytes = add_outputs(file.bytes(), names);
  std::error_code error;
  const std::string folder = std::filesystem::absolute(request.model, error).parent_path().string();
  ASSAY_CHECK(library_->call<AddSessionConfigEntry>(options.get(), kWeightsFolder, folder.c_str()));
  return library_->call<CreateSessionFromArray>(library_->env(), static_cast<const void*>(bytes.data()), bytes.size(),
                                                options.get(), session_.out());
}

Status Session::open(const Request& request) {
  Library::take_messages();
  watched_ = request.watched;
  SessionOptions options(*library_);
  ASSAY_CHECK(library_->call<CreateSessionOptions>(options.out()));
  for (const auto& [key, value] : request.words.session) ASSAY_CHECK(set_option(*library_, options.get(), key, value));
  ASSAY_CHECK(append_provider(*library_, options.get(), request.words));
  if (auto created = create(request, options); !created.ok()) {
    Error error = std::move(created).error();
    if (error.code == Code::backend_failed) error.where = request.model + ", " + error.where;
    return error;
  }
  ASSAY_TRY(opened_.inputs, ports<InputEntries>(false));
  ASSAY_TRY(opened_.outputs, ports<OutputEntries>(request.intermediates));
  ASSAY_CHECK(add_given(request.given));
  opened_.library = library_->path();
  opened_.version = library_->version();
  opened_.providers = library_->providers();
  opened_.messages = Library::take_messages();
  return {};
}

template <class Entries>
Result<std::string> Session::name_of(size_t index) const {
  char* text = nullptr;
  ASSAY_CHECK(library_->call<typename Entries::Name>(session_.get(), index, library_->allocator(), &text));
  std::string name = text;
  ASSAY_CHECK(library_->call<AllocatorFree>(library_->allocator(), static_cast<void*>(text)));
  return name;
}

template <class Entries>
Result<std::vector<Port>> Session::ports(bool floats_only) const {
  size_t count = 0;
  ASSAY_CHECK(library_->call<typename Entries::Count>(session_.get(), &count));
  std::vector<Port> ports;
  for (size_t i = 0; i < count; ++i) {
    ASSAY_TRY(std::string name, name_of<Entries>(i));
    TypeInfo info(*library_);
    ASSAY_CHECK(library_->call<typename Entries::TypeInfo>(session_.get(), i, info.out()));
    auto type = type_of(*library_, info.get(), name);
    if (floats_only && (!type.ok() || !ir::is_float(type->elem))) continue;
    if (!type.ok()) return std::move(type).error();
    ports.push_back({.name = std::move(name), .type = *std::move(type)});
  }
  return ports;
}

/// Initializers that the data replaces become inputs.
Status Session::add_given(const std::vector<std::string>& given) {
  ASSAY_TRY(std::vector<Port> defaults, ports<InitializerEntries>(false));
  for (Port& port : defaults) {
    if (std::ranges::find(given, port.name) == given.end()) continue;
    port.replaces_default = true;
    opened_.inputs.push_back(std::move(port));
  }
  return {};
}

std::vector<const char*> names_of(const std::vector<Port>& ports) {
  std::vector<const char*> names;
  for (const Port& port : ports) names.push_back(port.name.c_str());
  return names;
}

Result<std::vector<ir::Tensor>> Session::run(std::span<const ir::Tensor> inputs) {
  ASSAY_CHECK(check_cancel());
  if (inputs.size() != opened_.inputs.size()) return Error{Code::internal, "inputs and ports differ in number"};
  std::vector<ir::Tensor> aligned;  // must outlive the values
  std::vector<Value> values;
  for (const ir::Tensor& input : inputs) {
    aligned.push_back(input.aligned());
    ASSAY_TRY(Value value, value_of(*library_, aligned.back()));
    values.push_back(std::move(value));
  }
  std::vector<const OrtValue*> given;
  for (const Value& value : values) given.push_back(value.get());
  std::vector<OrtValue*> taken(opened_.outputs.size());
  const std::vector<const char*> input_names = names_of(opened_.inputs), output_names = names_of(opened_.outputs);
  if (output_names.empty()) return std::vector<ir::Tensor>();  // no inner values of the wanted kind
  RunOptions options(*library_);
  ASSAY_CHECK(library_->call<CreateRunOptions>(options.out()));
  Status ran;
  {
    std::optional<Watch> watch;
    if (watched_) watch.emplace(*library_, options.get());
    ran = library_->call<ort::Run>(session_.get(), options.get(), input_names.data(), given.data(), given.size(),
                                   output_names.data(), output_names.size(), taken.data());
  }
  std::vector<Value> owned;
  for (OrtValue* const value : taken) *owned.emplace_back(*library_).out() = value;
  ASSAY_CHECK(check_cancel());
  ASSAY_CHECK(ran);
  std::vector<ir::Tensor> outputs;
  for (size_t i = 0; i < owned.size(); ++i) {
    ASSAY_TRY(ir::Tensor tensor,
              tensor_of(*library_, std::move(owned[i]), opened_.outputs[i].name, shared_from_this()));
    outputs.push_back(std::move(tensor));
  }
  return outputs;
}

}  // namespace

Result<std::shared_ptr<Runner>> open_session(const Request& request) {
  if (request.bytes.empty() && coreml::recognise(request.model) != coreml::Container::none)
    return Error{Code::usage, "ONNX Runtime reads ONNX files, and this is one of Core ML", request.model,
                 "convert it first: assay convert " + request.model + " model.onnx"};
  ASSAY_TRY(std::shared_ptr<Library> library, Library::load());
  auto session = std::make_shared<Session>(std::move(library));
  ASSAY_CHECK(session->open(request));
  return std::shared_ptr<Runner>(std::move(session));
}

}  // namespace assay::backends::ort
