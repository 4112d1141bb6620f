// Flags that several commands have, in one wording.
#pragma once
#include "cli/command.h"

namespace assay::cli {

inline constexpr Flag kModelFlag = {"MODEL", "FILE", "the model", Flag::Kind::positional};
inline constexpr Flag kInputFlag = {
    "--input", "FILE", ".npz (arrays named as the model's inputs), .npy (one input) or a folder of ONNX test data"};
inline constexpr Flag kRandomFlag = {"--random", "SEED", "random inputs instead of --input"};
inline constexpr Flag kShapeFlag = {"--shape", "NAME:2,3,8", "shape of a random input whose dimensions are symbolic",
                                    Flag::Kind::repeated};
inline constexpr Flag kProfileFlag = {"--profile", "NAME", "run under this device profile (see assay profiles)"};
inline constexpr Flag kProviderFlag = {
    "--provider", "NAME[:k=v,...]",
    "run as this ONNX Runtime execution provider would, emulated; ort:NAME: in the real one"};

}  // namespace assay::cli
