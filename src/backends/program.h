// What can be compared: a program turns inputs into outputs. Our engine under a profile, real runtimes, functions of
// the caller's, outputs recorded on a device: all have this face. Written `[FILE@]PROFILE`,
// `[FILE@]PROVIDER[:key=value,...]`, `[FILE@]ort:PROVIDER[:key=value,...]`, `recorded:FILE.npz` or `callable:NAME`.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/data/arrays.h"
#include "backends/provenance.h"
#include "backends/sizes.h"
#include "base/result.h"
#include "base/threads.h"
#include "exec/session.h"
#include "ir/graph.h"
#include "profiles/profile.h"

namespace assay::backends {

struct ProviderUse;  // backends/provider_use.h

struct Port {
  std::string name;
  ir::Type type;                  ///< as the model declares it, whatever a profile stores
  bool replaces_default = false;  ///< the model has a value of its own for it, which the data replaces
  std::string alias{};            ///< the file's name for it where `name` is the original model's; may be empty
  /// An input of a Core ML file, which has no int64 and boolean inputs (such arrays become int32 when every value fits)
  /// and no scalars (they are arrays of one element).
  bool core_ml = false;
  Sizes sizes{};  ///< of such an input
  /// And of a NeuralNetwork: layers hold integers as float32.
  bool in_layers = false;

  bool is_called(std::string_view wanted) const { return name == wanted || (!alias.empty() && alias == wanted); }
};

/// Part of a data set: which samples the inputs of one run hold. Recordings need it.
struct SampleRange {
  size_t first = 0;  ///< counted from the first sample of the data at hand
  size_t count = 1;
  size_t total = 1;   ///< samples of the data at hand
  size_t offset = 0;  ///< place of the data at hand in the whole data set (--first-sample)
};

class Program {
 public:
  virtual ~Program() = default;
  virtual const std::string& text() const = 0;  ///< as the user wrote it, for reports
  virtual bool emulated() const = 0;
  /// Names of the variants, the primary first; {"recorded"} for a recording.
  virtual const std::vector<std::string>& variants() const = 0;
  /// The primary's profile; null for recordings and real runtimes.
  virtual const profiles::Profile* profile() const = 0;
  /// Of the model that runs; empty for recordings.
  virtual const std::vector<Port>& inputs() const = 0;
  virtual const std::vector<Port>& outputs() const = 0;
  /// The type that float32 outputs are stored in before they are returned: what one rounding of the output means.
  virtual ir::ElemType storage() const { return ir::ElemType::float32; }
  /// A number that tells models apart ("9c0e6b..."), from their operations and constants; empty for recordings.
  virtual std::string identity() const { return {}; }
  /// The arrays that a recording looks its answers up in; null for what runs.
  virtual const Arrays* recorded_arrays() const { return nullptr; }
  /// Samples that a recording holds; 0: any number.
  virtual size_t recorded_samples() const { return 0; }
  /// Where a recording says that it comes from; null: it does not say, or this is none.
  virtual const Provenance* provenance() const { return nullptr; }
  /// Bytes of constants that each concurrent run keeps, all variants together.
  virtual size_t weight_bytes() const { return 0; }
  /// True: run() is called from several threads at once and each call works on one of them. False: one call at a
  /// time, which may use all threads. The results are the same bits.
  virtual void set_concurrent(bool) {}
  /// False: every run starts from zero states. True: a run reads what the run of the same variant before it left in the
  /// model's states; runs are then called one at a time.
  virtual void keep_states(bool) {}
  /// The resolved program of a variant, for inspection; null where there is none (recordings, real runtimes).
  virtual std::shared_ptr<const ir::Graph> resolved(size_t) const { return nullptr; }
  /// The model before any profile is applied to it, types inferred; null for recordings and real runtimes. Value and
  /// operation numbers of all its resolved programs are its own, those that resolve adds come behind.
  virtual std::shared_ptr<const ir::Graph> model() const { return nullptr; }
  /// The same program with some operations of model()'s main graph in float32: `kept` by operation; `variants` by
  /// index, those that it has. Errors: usage for programs that the engine does not run.
  virtual Result<std::unique_ptr<Program>> keeping(const std::vector<bool>& kept,
                                                   std::span<const size_t> variants) const;
  /// What the provider that the program names takes of the model; null where it takes all, and for other programs.
  virtual const ProviderUse* provider_use() const { return nullptr; }
  /// What the last run of a variant took for intermediates and constants; absent where it is not known.
  virtual std::optional<exec::MemoryReport> memory(size_t) const { return std::nullopt; }
  /// Runs one variant. Errors: as exec::Session::run.
  virtual Result<std::vector<ir::Tensor>> run(size_t variant, std::span<const ir::Tensor> inputs,
                                              const SampleRange& range) = 0;
};

/// A function of the caller's that stands as a program, `callable:NAME`.
struct CallableSource {
  std::string name;
  /// Inputs by name; outputs by name, or all without names in the model's order. Called from one thread at a time.
  std::function<Result<Arrays>(const Arrays& inputs)> run;
};

struct ProgramOptions {
  const profiles::ProfileSet* profiles = nullptr;
  std::shared_ptr<const Threads> threads;
  bool primary_only = false;  ///< --variants primary
  /// Names of the arrays that the models will be given, asked before the first model is read: those of defaults
  /// (initializers that are inputs too) make them inputs. May be empty.
  std::function<Result<std::vector<std::string>>()> given{};
  std::vector<CallableSource> callables{};
  /// The data, asked where a callable has no model to say what its inputs are.
  std::function<Result<Arrays>()> data{};
  std::vector<std::string> worker{};  ///< words that start a process for a real runtime (assay/commands.h)
  bool intermediates = false;         ///< every float value that the main graph computes is an output
};

/// Opens programs. Models are imported once and shared.
class ProgramLoader {
 public:
  explicit ProgramLoader(ProgramOptions options);
  ProgramLoader(ProgramLoader&&) noexcept;
  ~ProgramLoader();
  /// `model` is the command's MODEL; used when the spec has no FILE@. Without a name: strict-f32, for a Core ML file
  /// its format on the CPU. Errors: unknown_profile, unknown_provider with a suggestion; backend_missing for ort:;
  /// whatever the file does wrong.
  Result<std::unique_ptr<Program>> open(std::string_view spec, const std::string& model, Warnings& warnings);
  /// The inputs of a model; none where `model` is empty. Errors: as for model().
  Result<std::vector<Port>> ports(const std::string& model, Warnings& warnings);
  /// The model files that were read so far.
  std::vector<std::string> files() const;
  /// The imported model of a file, with types inferred.
  Result<std::shared_ptr<const ir::Graph>> model(const std::string& path, Warnings& warnings);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The ports of a graph's inputs or outputs.
std::vector<Port> ports_of(const ir::Graph& graph, std::span<const ir::ValueId> values);

}  // namespace assay::backends
