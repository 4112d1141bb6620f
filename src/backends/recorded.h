// Outputs recorded on a device, as a program: it "runs" by looking its samples up.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/data/arrays.h"
#include "backends/program.h"

namespace assay::backends {

class RecordedProgram : public Program {
 public:
  /// `text` is the whole specification. Errors: as read_recording, parse_provenance; data_shape when the arrays differ
  /// in their samples.
  static Result<std::unique_ptr<Program>> open(std::string text, const std::string& path);
  static Result<std::unique_ptr<Program>> create(std::string text, Arrays arrays,
                                                 std::optional<Provenance> provenance = {});

  const std::string& text() const override { return text_; }
  bool emulated() const override { return false; }
  const std::vector<std::string>& variants() const override { return names_; }
  const profiles::Profile* profile() const override { return nullptr; }
  const std::vector<Port>& inputs() const override { return no_ports_; }
  const std::vector<Port>& outputs() const override { return outputs_; }
  ir::ElemType storage() const override;
  const Arrays* recorded_arrays() const override { return &arrays_; }
  size_t recorded_samples() const override { return samples_; }
  const Provenance* provenance() const override { return provenance_ ? &*provenance_ : nullptr; }
  Result<std::vector<ir::Tensor>> run(size_t variant, std::span<const ir::Tensor> inputs,
                                      const SampleRange& range) override;

 private:
  RecordedProgram() = default;
  std::string text_;
  Arrays arrays_;
  std::vector<std::string> names_ = {"recorded"};
  std::vector<Port> no_ports_, outputs_;
  size_t samples_ = 0;
  std::optional<Provenance> provenance_;
};

}  // namespace assay::backends
