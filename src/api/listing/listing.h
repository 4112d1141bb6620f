// A model as its file states it, in one form for all formats: what `inspect` prints and compares.
#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "mil/model.h"

namespace assay::api {

/// "1 operation", "2 operations".
inline std::string counted(uint64_t n, std::string_view noun) {
  return std::to_string(n) + " " + std::string(noun) + (n == 1 ? "" : "s");
}

/// Constants of a model.
struct Weight {
  std::string name;   ///< parameter or value that holds it
  std::string type;   ///< "fp32", "float16", "8-bit linear": how the file stores it
  std::string shape;  ///< "[3, 4]"; empty when the format states none
  std::string place;  ///< "weight.bin[64]"; empty: inside the program
  uint64_t bytes = 0;
  bool compressed = false;  ///< quantised, palettised or sparse
  mil::Payload data{};
  mil::DataType data_type = mil::DataType::unused;  ///< of `data`, where that is plain numbers
};

struct ListedValue {
  std::string name, type;  ///< type as the format writes it; empty: unstated
};

struct ListedOp {
  std::string kind, name;
  std::vector<std::string> inputs{};  ///< values that it reads; "x: name" where parameters have names
  std::vector<ListedValue> outputs{};
  std::vector<std::pair<std::string, std::string>> attributes{};
  std::vector<Weight> weights{};
  int depth = 0;  ///< of nested blocks
};

/// One of several programs of a file: a function, or a model of a pipeline.
struct ListedPart {
  std::string heading;  ///< "one<CoreML8>", "2 scorer"
  std::string format;   ///< as that of a listing
  std::vector<ListedValue> inputs{}, outputs{};
  size_t first = 0;  ///< of its operations; they reach up to those of the next part
};

struct Listing {
  std::string format;    ///< "ONNX", "Core ML NeuralNetwork", "Core ML ML Program", "resolved"
  std::string heading;   ///< the program's first line: "main<CoreML5>"
  int spec_version = 0;  ///< 0: not a Core ML file
  std::vector<mil::Requirement> requirements{};
  std::vector<ListedValue> inputs{}, outputs{}, states{};
  std::vector<std::string> notes{};  ///< flexible shapes, preprocessing, labels, functions
  std::map<std::string, std::string> metadata{};
  std::vector<ListedOp> ops{};
  std::vector<ListedPart> parts{};  ///< empty where there is one program

  std::span<const ListedOp> ops_of(size_t part) const;
  std::map<std::string, uint64_t> kinds() const;
  std::map<std::string, uint64_t> result_types() const;  ///< results by type; "unstated" for those without
  std::vector<std::string> unstated() const;             ///< names of values without a type
  uint64_t typed_count() const;
};

Listing list_graph(const ir::Graph& graph);
/// As a profile has it: types are those that values are stored in.
Listing list_resolved(const ir::Graph& graph);
Listing list_model(const mil::Model& model);

/// The sentence that follows from what the file states.
std::string precision_sentence(const Listing& listing);

/// What differs between two models: one line each, empty when nothing does.
struct Difference {
  std::string kind;  ///< "format", "input", "operator", "type", "attribute", "weight", "only in A", ...
  std::string where, a, b;
};
Result<std::vector<Difference>> compare_listings(const Listing& a, const Listing& b);

/// The program as text: one operation a line, each value with its type or "unstated".
std::string print_listing(const Listing& listing);

}  // namespace assay::api
