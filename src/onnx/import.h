// ONNX files to IR.
#pragma once
#include <span>
#include <string>

#include "base/mapped_file.h"
#include "base/result.h"
#include "ir/graph.h"
#include "ir/unknown.h"

namespace assay::onnx {

/// Reads a model: the file is mapped, weights are views into it (external data too). Nodes are upgraded to the newest
/// operators' meaning, model-local functions inlined, initializers and Constant nodes made constants. Types are
/// inferred by passes::infer_shapes afterwards, not here.
/// `given`: names of values that the caller has. An initializer of such a name that the graph lists among its inputs
/// too is a default (from IR 4 on), and becomes an input. Errors: A1xx with byte offset or node; op_unsupported names
/// all missing operators at once.
Result<ir::Graph> import_model(const std::string& path, Warnings& warnings, std::span<const std::string> given = {},
                               ir::Unknown unknown = ir::Unknown::refused);
/// From memory; external data is refused.
Result<ir::Graph> import_bytes(std::span<const std::byte> bytes, Warnings& warnings);

/// A value in a file of its own (input_0.pb of ONNX test data): a TensorProto, SequenceProto or OptionalProto, as
/// `type` says, of which nothing but the kinds is read. Errors: those of tensors; type_unsupported for maps.
Result<ir::Tensor> read_value_file(const std::string& path, const ir::Type& type);

}  // namespace assay::onnx
