// Keeps what is resident of a mapped model small while it is read.
#pragma once
#include "pb/reader.h"

namespace assay::onnx {

/// Lets go of the pages around the start of a large weight in a mapped file. Kernels map whole folios of up to 2 MiB
/// for the few bytes that a reader touches between two weights; dropped pages come back from the page cache when
/// touched. Only for bytes of a mapping that cannot be written.
void release_around(const std::byte* origin, pb::Bytes weight);

}  // namespace assay::onnx
