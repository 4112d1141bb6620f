// Core ML files: .mlmodel, .mlpackage and weight files, to and from mil::Model.
#pragma once
#include <optional>
#include <string>

#include "base/result.h"
#include "mil/model.h"

namespace assay::coreml {

/// What a path holds, by its name and its content.
enum class Container : uint8_t {
  none,      ///< nothing of Core ML
  mlmodel,   ///< one file, a serialized Model
  package,   ///< a folder with Manifest.json
  compiled,  ///< .mlmodelc: closed format, recognised to be named in an error
};
/// Looks at the name's ending and, for folders, at what they hold. Never fails: what cannot be read is `none`.
Container recognise(const std::string& path);

/// Reads a model; weights are views into the mapped files, so the model may be larger than memory. Unknown fields are
/// kept. Errors: file_missing, file_malformed (byte offset and field path), coreml_package (manifest rules, links,
/// paths that leave the package), coreml_weights (records of weight files), limit_exceeded.
Result<mil::Model> read_model(const std::string& path);

struct WriteOptions {
  /// Specification version to write; 0: the lowest that the content allows.
  int version = 0;
  /// Who the entries of a package are of: names their folder too.
  std::string author = "com.apple.CoreML";
  bool package = false;  ///< write a package whatever the path ends in
};
/// Writes a file (a path that ends in .mlmodel) or a package (.mlpackage): weights stream from where they are, same
/// content gives same bytes, identical constants share one blob, and the target appears whole or not at all.
/// model.spec_version is ignored. Errors: usage for other endings; not_convertible when the content needs a later
/// version than asked for, or a NeuralNetwork kind that the container cannot hold; write_failed.
Status write_model(const mil::Model& model, const std::string& path, const WriteOptions& options = {});

}  // namespace assay::coreml
