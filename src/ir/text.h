// Programs as text, and back. The form is described in docs/ir.md.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ir/graph.h"

namespace assay::ir {

struct PrintOptions {
  int64_t inline_elements = 8;  ///< constants of at most this many elements are printed whole; others as #blob
  bool hash_blobs = false;      ///< print a hash of each blob's bytes (reads all of them)
  bool metadata = true;
};
std::string print(const Graph& graph, const PrintOptions& options = {});

/// Gives the bytes of a constant printed as #blob; an empty handle when there are none.
using BlobSource = std::function<Tensor(std::string_view name, const Type& type)>;

/// Reads what print() wrote. Rows of operators are not set (ops::set_rows). Errors: file_malformed with line and
/// column.
Result<Graph> parse(std::string_view text, const BlobSource& blobs = {});

/// Hash of a tensor's bytes (or text), as printed.
std::string content_hash(const Tensor& tensor);

}  // namespace assay::ir
