// Where inputs come from: by what the path is, or by a seed.
#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "audit/data.h"
#include "base/checked.h"
#include "base/split_mix.h"
#include "base/text.h"
#include "onnx/import.h"

namespace assay::audit {
namespace {
bool is_folder(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

// The k-th number of a stream depends on seed and k only.
uint64_t mix(uint64_t seed, uint64_t k) { return split_mix(seed + (k + 1) * kSplitMixStep); }

Result<ir::Tensor> random_tensor(const Port& port, uint64_t seed, const std::map<std::string, int64_t>& given) {
  if (!port.type.ranked())
    return Error{Code::data_shape, "input '" + port.name + "' has no declared rank", port.name, "give its data"};
  if (!ir::is_float(port.type.elem) && !ir::is_integer(port.type.elem) && port.type.elem != ir::ElemType::boolean)
    return Error{Code::data_type, "input '" + port.name + "' is " + ir::to_string(port.type), port.name,
                 "give its data"};
  ir::Dims dims;
  const ir::Dims typical = port.sizes.typical();
  for (const ir::Dim& dim : *port.type.shape) {
    const auto it = given.find(dim.symbol);
    const int64_t free = dims.size() < typical.size() ? typical[dims.size()] : 1;
    dims.push_back(dim.known() ? dim.value : !dim.symbol.empty() && it != given.end() ? it->second : free);
  }
  constexpr int64_t kMost = int64_t{1} << 32;
  const auto count = checked_product(dims);
  if (!count || *count > kMost)
    return Error{Code::limit_exceeded, "input '" + port.name + "' would have " + ir::to_string(dims) + " elements",
                 port.name, "give smaller dimensions"};
  ir::Tensor t = ir::Tensor::allocate(port.type.elem, std::move(dims));
  for (int64_t i = 0; i < t.size(); ++i) {
    const uint64_t bits = mix(seed, static_cast<uint64_t>(i)) >> 40;
    if (ir::is_float(port.type.elem)) {
      t.set_float(i, static_cast<double>(bits) * 0x1p-23 - 1);
    } else {
      t.set_int(i, static_cast<int64_t>(bits >> 23));
    }
  }
  return t;
}
}  // namespace

std::vector<std::string> names_of(const Arrays& arrays) {
  std::vector<std::string> names;
  for (const NamedArray& array : arrays) names.push_back(array.name);
  return names;
}

std::vector<std::string> names_of(std::span<const Port> ports) {
  std::vector<std::string> names;
  for (const Port& port : ports) names.push_back(port.name);
  return names;
}

Result<Arrays> read_test_data(const std::string& folder, std::span<const Port> ports) {
  Arrays arrays;
  for (size_t i = 0; i < ports.size(); ++i) {
    ASSAY_TRY(ir::Tensor tensor, onnx::read_value_file(folder + "/input_" + std::to_string(i) + ".pb", ports[i].type));
    arrays.push_back({ports[i].name, std::move(tensor)});
  }
  return arrays;
}

bool is_npz(const std::string& path) { return path.ends_with(".npz") && !is_folder(path); }

void warn_of_unused(const Arrays& arrays, std::span<const Port> ports, const std::string& where, Warnings& warnings) {
  std::vector<std::string> unused;
  for (const NamedArray& array : arrays)
    if (std::ranges::none_of(ports, [&](const Port& port) { return port.is_called(array.name); }))
      unused.push_back(array.name);
  if (unused.empty()) return;
  warnings.push_back({Code::data_unused,
                      "the data has " + join(unused, ", ") +
                          ", which no input of the model is called; its inputs are " + join(names_of(ports), ", "),
                      where, "name the arrays as the model's inputs, or leave them out"});
}

Result<Arrays> read_inputs(const std::string& path, std::span<const Port> ports, bool stays) {
  if (is_folder(path)) return read_test_data(path, ports);
  if (is_npz(path)) return stays ? open_npz(path) : read_npz(path);
  if (!path.ends_with(".npy"))
    return Error{Code::data_malformed, "inputs are read from .npz and .npy files and folders of ONNX test data", path,
                 "save the inputs with numpy.savez, named as the model's inputs"};
  if (ports.size() != 1)
    return Error{Code::data_missing,
                 "a .npy file holds one array, the model has " + std::to_string(ports.size()) +
                     " inputs: " + join(names_of(ports), ", "),
                 path, "save them together with numpy.savez, named as the model's inputs"};
  if (!stays) {
    ASSAY_TRY(ir::Tensor tensor, read_npy(path));
    return Arrays{{ports[0].name, std::move(tensor)}};
  }
  ASSAY_TRY(NamedArray array, open_npy(path));
  array.name = ports[0].name;
  return Arrays{std::move(array)};
}

Result<Arrays> random_inputs(std::span<const Port> ports, uint64_t seed, const std::map<std::string, int64_t>& dims) {
  Arrays arrays;
  for (size_t i = 0; i < ports.size(); ++i) {
    // Each input has its own stream, so adding one does not change the others.
    ASSAY_TRY(ir::Tensor tensor, random_tensor(ports[i], mix(seed, ~i), dims));
    arrays.push_back({ports[i].name, std::move(tensor)});
  }
  return arrays;
}

Result<std::vector<size_t>> match_ports(std::span<const std::string> wanted, std::span<const std::string> have,
                                        std::string_view what, std::string_view side, Warnings& warnings) {
  std::vector<size_t> match;
  std::string missing;
  for (const std::string& name : wanted) {
    const auto it = std::find(have.begin(), have.end(), name);
    if (it == have.end() && missing.empty()) missing = name;
    match.push_back(static_cast<size_t>(it - have.begin()));
  }
  if (missing.empty()) return match;
  if (wanted.size() != have.size()) {
    const std::string near = did_you_mean(missing, have);
    return Error{Code::data_missing,
                 "no '" + missing + "' among the " + std::string(what) + " " + join(have, ", ") + "; wanted are " +
                     join(wanted, ", "),
                 std::string(side), near.empty() ? "name them alike" : "did you mean '" + near + "'?"};
  }
  std::vector<std::string> pairs;
  for (size_t i = 0; i < wanted.size(); ++i) {
    match[i] = i;
    pairs.push_back(wanted[i] + " = " + have[i]);
  }
  warnings.push_back({Code::matched_by_order, std::string(what) + " matched by order: " + join(pairs, ", "),
                      std::string(side), "name them alike to match by name"});
  return match;
}

}  // namespace assay::audit
