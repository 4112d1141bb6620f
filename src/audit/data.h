// Data sets: arrays from .npz, .npy and ONNX test data, labels, random inputs; and how they are cut into samples.
#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/data/arrays.h"
#include "backends/program.h"
#include "base/result.h"
#include "ir/tensor.h"

namespace assay::audit {

using backends::Port;
using backends::SampleRange;

using backends::Arrays;
using backends::find;
using backends::find_array;
using backends::NamedArray;
using backends::open_npy;
using backends::open_npz;
using backends::read_npy;
using backends::read_npz;
using backends::write_npy;
using backends::write_npz;

std::vector<std::string> names_of(const Arrays& arrays);
std::vector<std::string> names_of(std::span<const Port> ports);

/// A folder of ONNX test data: input_0.pb, input_1.pb, ... named as the ports in order.
Result<Arrays> read_test_data(const std::string& folder, std::span<const Port> ports);
/// Whether the path is that of an .npz file rather than of a folder of this name.
bool is_npz(const std::string& path);
/// By what the path is: .npz, .npy (a model with one input), folder of ONNX test data. `stays`: what can stay in the
/// file (NamedArray::file).
Result<Arrays> read_inputs(const std::string& path, std::span<const Port> ports, bool stays = false);
/// `y.npy`, `y.csv` or `y.csv:column`.
Result<std::vector<int64_t>> read_labels(const std::string& spec);

/// Inputs by a generator of our own (docs/cli.md): floats uniform in [-1, 1), integers and booleans 0 or 1. Symbolic
/// dimensions are 1 unless `dims` names them.
Result<Arrays> random_inputs(std::span<const Port> ports, uint64_t seed, const std::map<std::string, int64_t>& dims);

/// For each of `wanted` the index in `have`: by name; else, when the counts are equal, by order with the warning
/// matched_by_order. `what` and `side` are for messages ("inputs", "recorded:out.npz").
Result<std::vector<size_t>> match_ports(std::span<const std::string> wanted, std::span<const std::string> have,
                                        std::string_view what, std::string_view side, Warnings& warnings);

/// Names arrays of the data that are none of the inputs, in a warning (data_unused).
void warn_of_unused(const Arrays& arrays, std::span<const Port> ports, const std::string& where, Warnings& warnings);

/// Arrays laid against a program's inputs and cut along the first axis. Every sample gets the whole of what is no data
/// of its own: scalars, arrays that replace a default of the model (unless its first dimension is symbolic), and,
/// beside an input whose first dimension is symbolic, arrays of exactly the fixed shape that the model declares.
class Samples {
 public:
  /// Whether arrays that cannot be cut into samples may make one sample as they are, though a symbolic first dimension
  /// is more than 1 in them. Where decisions are counted they may not: many samples would be judged as one.
  enum class Whole : uint8_t { refused, allowed };
  /// Errors: data_missing, data_shape, data_type, with the names on both sides; data_shape too where inputs that share
  /// the symbol of their first dimension differ in it.
  static Result<Samples> create(const Arrays& arrays, std::span<const Port> ports, Whole whole = Whole::allowed);
  /// For programs without inputs (recordings): only the count.
  static Samples of_count(size_t count);

  size_t count() const { return count_; }
  /// Samples that one run must take; 0: any number (a symbolic batch).
  size_t batch() const { return batch_; }
  /// False: the model has no sample axis (each array has one axis more), or the inputs are one sample as a whole.
  bool has_sample_axis() const { return axis_; }
  /// The arrays as they are make one sample.
  bool whole() const { return whole_; }
  /// One tensor per port; views into the arrays, or copies of what lies in a file. `count` is batch() where that is not
  /// 0. Errors: as backends::OpenData::copy.
  Result<std::vector<ir::Tensor>> slice(size_t first, size_t count) const;

 private:
  Arrays arrays_;
  std::vector<bool> shared_;  ///< every run gets it
  size_t count_ = 0, batch_ = 1;
  bool axis_ = true, whole_ = false;
};

}  // namespace assay::audit
