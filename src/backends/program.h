// What can be compared: a program turns inputs into outputs. Our engine under a profile, outputs recorded on a device,
// later real runtimes: all have this face. Written `[FILE@]PROFILE`, `[FILE@]PROVIDER[:key=value,...]` or
// `recorded:FILE.npz`.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "ir/graph.h"
#include "profiles/profile.h"

namespace assay::backends {

struct Port {
  std::string name;
  ir::Type type;
};

class Program {
 public:
  virtual ~Program() = default;
  virtual const std::string& text() const = 0;  ///< as the user wrote it, for reports
  virtual bool emulated() const = 0;
  /// Names of the variants, the primary first; {"recorded"} for a recording.
  virtual const std::vector<std::string>& variants() const = 0;
  virtual const profiles::Profile* profile() const = 0;  ///< null for recordings and real runtimes
  virtual const std::vector<Port>& inputs() const = 0;
  virtual const std::vector<Port>& outputs() const = 0;
  /// Runs one variant. `first_sample` and `samples` say which part of the data set the inputs are (recordings need it).
  virtual Result<std::vector<ir::Tensor>> run(size_t variant, std::span<const ir::Tensor> inputs, size_t first_sample,
                                              size_t samples) = 0;
};

struct ProgramOptions {
  const profiles::ProfileSet* profiles = nullptr;
  std::shared_ptr<const Threads> threads;
  bool primary_only = false;  ///< --variants primary
};

/// Opens `spec` against `model` (the command's MODEL; used when the spec has no FILE@). Models are imported once and
/// shared.
class ProgramLoader {
 public:
  explicit ProgramLoader(ProgramOptions options);
  ~ProgramLoader();
  Result<std::unique_ptr<Program>> open(std::string_view spec, const std::string& model, Warnings& warnings);
  /// The imported model of a file, with types inferred.
  Result<std::shared_ptr<const ir::Graph>> model(const std::string& path, Warnings& warnings);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay::backends
