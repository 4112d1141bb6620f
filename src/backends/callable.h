// Functions of the caller's as programs: a PyTorch module, a device behind a wire, anything that turns inputs into
// outputs.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backends/program.h"

namespace assay::backends {

class CallableProgram : public Program {
 public:
  /// Of a model, whose inputs and outputs it has.
  static std::unique_ptr<Program> create(std::string text, CallableSource source, std::vector<Port> inputs,
                                         std::vector<Port> outputs);
  /// Without a model: its inputs are the arrays of the data, whose first axis holds samples; its outputs are what it
  /// returns for the first samples. Errors: data_missing without arrays; the callable's own.
  static Result<std::unique_ptr<Program>> of_data(std::string text, CallableSource source, const Arrays& data);

  const std::string& text() const override { return text_; }
  bool emulated() const override { return false; }
  const std::vector<std::string>& variants() const override { return names_; }
  const profiles::Profile* profile() const override { return nullptr; }
  const std::vector<Port>& inputs() const override { return inputs_; }
  const std::vector<Port>& outputs() const override { return outputs_; }
  /// Calls go one after another. Errors: backend_failed when outputs are missing or too many;
  /// data_type for numbers of another nature than the model's; the callable's own.
  Result<std::vector<ir::Tensor>> run(size_t variant, std::span<const ir::Tensor> inputs,
                                      const SampleRange& range) override;

 private:
  CallableProgram() = default;
  std::string text_;
  CallableSource source_;
  std::vector<std::string> names_ = {"called"};
  std::vector<Port> inputs_, outputs_;
  std::mutex mutex_;
};

}  // namespace assay::backends
