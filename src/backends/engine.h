// Our engine under a profile: one session per variant, sharing the model's graph.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backends/model_file.h"
#include "backends/program.h"
#include "exec/session.h"
#include "passes/coreml_provider.h"

namespace assay::backends {

/// A number over the graph's operations and constants that tells models apart, in hexadecimal.
std::string identity_of(const ir::Graph& graph);

/// Whether a Core ML file allows the sizes. Errors: data_shape.
Status check_sizes(std::span<const Port> ports, std::span<const ir::Tensor> inputs);

/// A model with what is asked of it more than once.
struct Model {
  ModelFormat format = ModelFormat::onnx;
  std::shared_ptr<const ir::Graph> graph;
  std::vector<Port> inputs, outputs;
};

/// One way to run: a variant of a profile under the name that reports use.
struct EngineVariant {
  const profiles::Profile* profile = nullptr;
  size_t index = 0;
  std::string name;
};

class EngineProgram : public Program {
 public:
  /// Resolves every variant. `use` may be null: the profile takes the whole model. Errors: as passes::resolve.
  static Result<std::unique_ptr<Program>> create(std::string text, std::shared_ptr<const Model> model,
                                                 std::vector<EngineVariant> variants,
                                                 std::shared_ptr<const Threads> threads,
                                                 std::shared_ptr<const ProviderUse> use = nullptr);

  const std::string& text() const override { return text_; }
  /// The reference definitions are what they are; everything else stands for a device or a runtime.
  bool emulated() const override { return profile_->name != "strict-f32" && profile_->name != "f64"; }
  const std::vector<std::string>& variants() const override { return names_; }
  const profiles::Profile* profile() const override { return profile_; }
  const std::vector<Port>& inputs() const override { return model_->inputs; }
  const std::vector<Port>& outputs() const override { return model_->outputs; }
  ir::ElemType storage() const override;
  std::string identity() const override { return identity_of(*model_->graph); }
  std::shared_ptr<const ir::Graph> resolved(size_t variant) const override { return graphs_[variant]; }
  std::shared_ptr<const ir::Graph> model() const override { return model_->graph; }
  Result<std::unique_ptr<Program>> keeping(const std::vector<bool>& kept,
                                           std::span<const size_t> variants) const override;
  const ProviderUse* provider_use() const override { return use_.get(); }
  size_t weight_bytes() const override;
  std::optional<exec::MemoryReport> memory(size_t variant) const override;
  void set_concurrent(bool concurrent) override;
  void keep_states(bool keep) override { keep_states_ = keep; }
  Result<std::vector<ir::Tensor>> run(size_t variant, std::span<const ir::Tensor> inputs,
                                      const SampleRange& range) override;

 private:
  EngineProgram() = default;
  static Result<std::unique_ptr<EngineProgram>> make(std::string text, std::shared_ptr<const Model> model,
                                                     std::vector<EngineVariant> variants,
                                                     std::shared_ptr<const Threads> threads,
                                                     const passes::Placement* placement);
  Result<exec::Session> take(size_t variant);
  void give_back(size_t variant, exec::Session session);

  std::string text_;
  std::shared_ptr<const Model> model_;
  std::vector<EngineVariant> variants_;
  std::vector<std::string> names_;  ///< of the variants
  const profiles::Profile* profile_ = nullptr;
  bool stores_outputs_ = true;  ///< some output is computed under the profile
  std::shared_ptr<const ProviderUse> use_;
  std::optional<passes::Placement> placement_;            ///< which operations the profile takes; absent: all
  std::vector<std::shared_ptr<const ir::Graph>> graphs_;  ///< resolved, one per variant
  std::shared_ptr<const Threads> threads_, one_thread_;
  bool concurrent_ = false, keep_states_ = false;
  mutable std::mutex mutex_;
  std::vector<std::vector<exec::Session>> idle_;  ///< sessions that no run uses now, per variant
};

}  // namespace assay::backends
