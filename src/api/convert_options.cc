#include "api/convert_options.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/mapped_file.h"
#include "base/text.h"
#include "coreml/lower/edges.h"
#include "ops/def.h"
#include "passes/infer_shapes.h"
#include "profiles/tree.h"

namespace assay::api {
namespace {

constexpr const char* kShapeFix = "write for example --input x:1x3x224x224, x:1..8x3x224x224 or x:1x10,1x20";

Error bad_shape(const std::string& word, const std::string& why) {
  return Error{Code::usage, "--input " + word + ": " + why, "", kShapeFix};
}

bool parse_size(std::string_view text, int64_t& size) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), size);
  return problem == std::errc() && end == text.data() + text.size() && size > 0 && size <= INT32_MAX;
}

Result<mil::SizeRange> parse_range(const std::string& text, const std::string& word) {
  const size_t dots = text.find("..");
  int64_t low = 0, high = -1;
  if (!parse_size(text.substr(0, dots), low)) return bad_shape(word, "'" + text + "' is no size");
  if (dots == std::string::npos) return mil::SizeRange{static_cast<uint64_t>(low), low};
  const std::string upper = text.substr(dots + 2);
  if (!upper.empty() && (!parse_size(upper, high) || high < low)) return bad_shape(word, "'" + text + "' is no range");
  return mil::SizeRange{static_cast<uint64_t>(low), high};
}

bool is_fixed(const mil::SizeRange& range) { return static_cast<int64_t>(range.lower) == range.upper; }

/// Sizes that all enumerated shapes share; the others stay symbolic.
ir::Dims common_sizes(const std::vector<std::vector<mil::SizeRange>>& shapes) {
  ir::Dims dims;
  for (size_t axis = 0; axis < shapes.front().size(); ++axis) {
    const mil::SizeRange& first = shapes.front()[axis];
    const bool same = std::ranges::all_of(shapes, [&](const auto& shape) { return shape[axis] == first; });
    dims.push_back(same && is_fixed(first) ? first.upper : -1);
  }
  return dims;
}

Status set_shape(ir::Graph& graph, const InputShape& input) {
  const auto found = std::ranges::find(graph.inputs, input.name, [&](ir::ValueId v) { return graph.at(v).name; });
  if (found == graph.inputs.end()) {
    std::vector<std::string> names;
    for (const ir::ValueId v : graph.inputs) names.push_back(graph.at(v).name);
    return Error{Code::data_missing, "the model has no input '" + input.name + "'", "",
                 "its inputs are " + join(names, ", ")};
  }
  ir::Type& type = graph.at(*found).type;
  const ir::Dims sizes = common_sizes(input.shapes);
  const bool fits = !type.ranked() || type.shape->size() == sizes.size();
  if (!fits)
    return Error{Code::data_shape,
                 "a shape of " + std::to_string(sizes.size()) + " axes does not fit " + to_string(type),
                 "input '" + input.name + "'", "give as many sizes as the model declares"};
  if (!type.ranked()) type.shape.emplace(sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    ir::Dim& dim = (*type.shape)[i];
    if (dim.known() && sizes[i] != dim.value)
      return Error{Code::data_shape, "the model declares " + to_string(type), "input '" + input.name + "'",
                   "leave sizes that the model fixes as they are"};
    if (sizes[i] >= 0) dim = ir::Dim(sizes[i]);
  }
  return {};
}

/// What was asked for a dimension that the model names: one range, or a size for each enumerated shape.
struct Symbol {
  std::vector<mil::SizeRange> sizes;
  std::string input;  ///< that says so
};
using Symbols = std::map<std::string, Symbol>;

Result<Symbols> symbols_of(const ir::Graph& graph, const std::vector<InputShape>& inputs) {
  Symbols symbols;
  for (const InputShape& input : inputs) {
    const auto found = std::ranges::find(graph.inputs, input.name, [&](ir::ValueId v) { return graph.at(v).name; });
    if (found == graph.inputs.end() || !graph.at(*found).type.ranked()) continue;
    const auto& dims = *graph.at(*found).type.shape;
    for (size_t axis = 0; axis < dims.size() && axis < input.shapes.front().size(); ++axis) {
      if (dims[axis].symbol.empty()) continue;
      Symbol symbol{{}, input.name};
      for (const auto& shape : input.shapes) symbol.sizes.push_back(shape[axis]);
      const auto [known, fresh] = symbols.try_emplace(dims[axis].symbol, symbol);
      if (!fresh && known->second.sizes != symbol.sizes)
        return Error{Code::usage, "dimension '" + dims[axis].symbol + "' gets two sizes: the model uses it twice",
                     "input '" + input.name + "' and '" + known->second.input + "'", "give it the same sizes"};
    }
  }
  return symbols;
}

void note_shapes(const InputShape& input, coreml::LowerOptions& options) {
  if (input.shapes.size() == 1) {
    options.ranges[input.name] = input.shapes.front();
    return;
  }
  std::vector<mil::Dims>& list = options.enumerated[input.name];
  for (const auto& shape : input.shapes) {
    mil::Dims dims;
    for (const mil::SizeRange& range : shape) dims.push_back(range.upper);
    list.push_back(std::move(dims));
  }
}

/// Inputs that were not given a shape follow those that were.
Status share_symbols(const Symbols& symbols, const std::vector<InputShape>& given, ir::Graph& graph,
                     coreml::LowerOptions& options) {
  for (const ir::ValueId v : graph.inputs) {
    ir::Value& value = graph.at(v);
    if (!value.type.ranked() || std::ranges::find(given, value.name, &InputShape::name) != given.end()) continue;
    for (ir::Dim& dim : *value.type.shape) {
      const auto found = symbols.find(dim.symbol);
      if (dim.known() || found == symbols.end()) continue;
      const auto& [sizes, input] = found->second;
      if (std::ranges::any_of(sizes, [&](const mil::SizeRange& size) { return size != sizes.front(); }))
        return Error{Code::usage, "shares the dimension '" + dim.symbol + "' with '" + input + "', which enumerates it",
                     "input '" + value.name + "'", "enumerate its shapes in the same order"};
      if (is_fixed(sizes.front()))
        dim = ir::Dim(sizes.front().upper);
      else
        options.symbol_ranges[dim.symbol] = sizes.front();
    }
  }
  return {};
}

Result<mil::DataType> precision_of(const profiles::Reader& table, std::string_view key, std::string_view fallback) {
  ASSAY_TRY(const std::string word, table.string_or(key, std::string(fallback)));
  if (word == "float32") return mil::DataType::float32;
  if (word == "float16") return mil::DataType::float16;
  static const std::vector<std::string> kWords = {"float32", "float16"};
  return table.unknown(key, "precision", word, kWords);
}

Status read_operation(const profiles::Reader& table, coreml::LowerOptions& options) {
  static const std::vector<std::string> kKeys = {"name", "type", "precision"};
  ASSAY_CHECK(table.only(kKeys));
  ASSAY_TRY(const std::string name, table.string_or("name", ""));
  ASSAY_TRY(const std::string type, table.string_or("type", ""));
  if (name.empty() == type.empty()) return table.fail("", "an operation has either a name or a type");
  if (!table.has("precision")) return table.fail("", "an operation needs a precision");
  ASSAY_TRY(const mil::DataType precision, precision_of(table, "precision", ""));
  (type.empty() ? options.precision_of_op[name] : options.precision_of_type[type]) = precision;
  return {};
}

Status read_precisions(std::string_view text, const std::string& path, coreml::LowerOptions& options) {
  static const std::vector<std::string> kKeys = {"default", "operation"};
  ASSAY_TRY(const profiles::Node root, profiles::parse_toml(text, path));
  const profiles::Reader file(root, path, "");
  ASSAY_CHECK(file.only(kKeys));
  ASSAY_TRY(options.precision, precision_of(file, "default", "float16"));
  ASSAY_TRY(const auto operations, file.tables("operation"));
  for (const profiles::Reader& operation : operations) ASSAY_CHECK(read_operation(operation, options));
  return {};
}

Status read_precision_file(const std::string& path, coreml::LowerOptions& options) {
  ASSAY_TRY(const MappedFile file, MappedFile::open(path));
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  Status read = read_precisions(text, path, options);
  if (read.ok() || read.error().code != Code::profile_invalid) return read;
  Error error = read.error();
  error.code = Code::precision_file;
  error.fix = "docs/coreml.md shows the file";
  return error;
}

}  // namespace

Result<InputShape> parse_input_shape(const std::string& word) {
  const size_t colon = word.rfind(':');
  if (colon == std::string::npos || colon == 0) return bad_shape(word, "there is no NAME:SHAPE");
  InputShape input{word.substr(0, colon), {}};
  for (const std::string& text : split(word.substr(colon + 1), ',')) {
    std::vector<mil::SizeRange> shape;
    for (const std::string& size : split(text, 'x')) {
      ASSAY_TRY(const mil::SizeRange range, parse_range(size, word));
      shape.push_back(range);
    }
    input.shapes.push_back(std::move(shape));
  }
  for (const auto& shape : input.shapes) {
    if (shape.size() != input.shapes.front().size())
      return bad_shape(word, "the shapes differ in their number of axes");
    if (input.shapes.size() > 1 && !std::ranges::all_of(shape, is_fixed))
      return bad_shape(word, "enumerated shapes have fixed sizes");
    if (std::ranges::count(input.shapes, shape) > 1) return bad_shape(word, "a shape is there twice");
  }
  return input;
}

Result<ir::Graph> with_shapes(const ir::Graph& graph, const std::vector<std::string>& words,
                              coreml::LowerOptions& options) {
  ir::Graph shaped = graph;
  std::vector<InputShape> inputs;
  for (const std::string& word : words) {
    ASSAY_TRY(InputShape input, parse_input_shape(word));
    for (const ir::ValueId v : graph.inputs)  // the file's own name will do
      if (graph.at(v).file_name == input.name) input.name = graph.at(v).name;
    inputs.push_back(std::move(input));
  }
  ASSAY_TRY(const Symbols symbols, symbols_of(graph, inputs));
  for (const InputShape& input : inputs) {
    ASSAY_CHECK(set_shape(shaped, input));
    note_shapes(input, options);
  }
  ASSAY_CHECK(share_symbols(symbols, inputs, shaped, options));
  if (!words.empty()) ASSAY_CHECK(passes::infer_shapes(shaped));
  return shaped;
}

Status set_precision(const std::string& word, coreml::LowerOptions& options) {
  constexpr std::string_view kMixed = "mixed:";
  if (word.empty() || word == "float32") return {};
  if (word == "float16") {
    options.precision = mil::DataType::float16;
    return {};
  }
  if (word.starts_with(kMixed)) return read_precision_file(word.substr(kMixed.size()), options);
  return Error{Code::usage, "--precision takes float32, float16 or mixed:FILE, not '" + word + "'", "", "see --help"};
}

void keep_flexible(std::span<const mil::Feature> inputs, const ir::Graph& graph, coreml::LowerOptions& options) {
  for (const mil::Feature& feature : inputs) {
    const auto found =
        std::ranges::find_if(graph.inputs, [&](ir::ValueId v) { return coreml::is_called(graph.at(v), feature.name); });
    if (found == graph.inputs.end()) continue;
    const ir::Value& value = graph.at(*found);
    const mil::ArrayFeature& array = feature.array;
    if (options.ranges.contains(value.name) || options.enumerated.contains(value.name)) continue;
    if (!value.type.ranked() || value.type.is_static()) continue;
    const size_t rank = value.type.shape->size();
    if (array.ranges.size() == rank && std::ranges::all_of(array.ranges, [](const auto& r) { return r.upper > 0; }))
      options.ranges[value.name] = array.ranges;
    if (!array.enumerated.empty() &&
        std::ranges::all_of(array.enumerated, [&](const auto& dims) { return dims.size() == rank; }))
      options.enumerated[value.name] = array.enumerated;
  }
}

Status check_precisions(const ir::Graph& graph, const coreml::LowerOptions& options) {
  std::set<std::string> names, types;
  ir::for_each_op(graph, [&](const ir::Graph&, const ir::Op& op) {
    names.insert(op.name);
    types.insert(op.type);
  });
  const auto missing = [](const std::map<std::string, mil::DataType>& wanted, const std::set<std::string>& there,
                          const std::string& what) -> Status {
    for (const auto& [word, precision] : wanted) {
      if (there.contains(word)) continue;
      const std::string near = did_you_mean(word, std::vector<std::string>(there.begin(), there.end()));
      return Error{Code::precision_file, "the model has no operation " + what + " '" + word + "'", "--precision",
                   near.empty() ? "assay inspect --full lists the operations" : "did you mean '" + near + "'?"};
    }
    return {};
  };
  ASSAY_CHECK(missing(options.precision_of_op, names, "named"));
  for (const auto& [type, precision] : options.precision_of_type)  // one file may serve several models
    if (ops::find_op("", type) != nullptr || ops::find_op("coreml", type) != nullptr) types.insert(type);
  return missing(options.precision_of_type, types, "of type");
}

}  // namespace assay::api
