// The emulated CoreMLExecutionProvider: which nodes of an ONNX model ONNX Runtime's provider takes, in which
// partitions, and the Core ML models that stand for them. Emulation runs them so: `Program::open(model,
// "CoreMLExecutionProvider")`.
#pragma once
#include <string>
#include <vector>

#include "assay/commands.h"
#include "assay/result.h"

namespace assay {

/// A node of the model, after its upgrade to the newest operators, and where it runs.
struct TakenNode {
  std::string name;      ///< the node's own; without one what describes it ("Relu #3 (writes 'x')")
  std::string op;        ///< "Conv"; with its domain where that is not ai.onnx
  bool taken = false;    ///< by the provider
  std::string reason{};  ///< why it is not taken
  int partition = -1;    ///< number of its partition in its graph; -1: as on the CPU
};

/// What the emulated provider takes of a model.
struct ProviderReport {
  std::string provider;            ///< as given
  std::string model_format;        ///< "NeuralNetwork" or "MLProgram"
  std::string profile;             ///< that the partitions run under
  int partitions = 0;              ///< of the main graph
  std::vector<TakenNode> nodes{};  ///< in the order of the graph; behind an operation those of the graphs inside it
  Warnings warnings{};             ///< what opening the program had to say
};

/// `provider` is written as on the command line, "CoreMLExecutionProvider:ModelFormat=MLProgram". Errors: A001 for
/// another provider and for models that are not ONNX; A1xx for the model.
Result<ProviderReport> coreml_provider(const std::string& model, const std::string& provider,
                                       const commands::Settings& settings = {});

/// The Core ML models that were written for the partitions.
struct ProviderFiles {
  std::vector<std::string> paths{};  ///< one for each partition that could be written, files or package folders
  bool cached = false;               ///< they lie in ModelCacheDirectory, to stay; else the caller removes them
  Warnings warnings{};               ///< A215 for partitions that the converter does not write
};

/// Writes them where ONNX Runtime leaves its own: in the temporary folder (`folder`; empty: $TMPDIR, else /tmp) as
/// "onnxruntime-UUID-..." with ".model.mlmodel" behind it for a NeuralNetwork, as a package folder for an ML Program;
/// or below ModelCacheDirectory, KEY/NUMBER_static_nn/model.mlmodel or KEY/NUMBER_dynamic_mlprogram/model/. KEY is the
/// model's metadata COREML_CACHE_KEY where it has one of up to 64 letters and digits, else a number made of its path.
/// Errors: as coreml_provider; A109.
Result<ProviderFiles> write_coreml_provider(const std::string& model, const std::string& provider,
                                            const commands::Settings& settings = {}, const std::string& folder = {});

/// The table of what the provider takes, as Markdown (docs/coreml-provider.md).
std::string coreml_provider_table();

}  // namespace assay
