// Two listings side by side.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_map>

#include "api/listing/listing.h"
#include "base/text.h"
#include "num/format.h"

namespace assay::api {
namespace {

using mil::DataType;

mil::Value as_value(const Weight& weight, const mil::Payload& payload) {
  mil::Value value;
  const int bits = mil::data_type_bits(weight.data_type);
  value.type =
      mil::Type::tensor(weight.data_type, mil::Dims{bits == 0 ? 0 : static_cast<int64_t>(payload.size * 8) / bits});
  value.content = payload;
  return value;
}

bool same_number(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

/// Whether one side is the other rounded once to float16.
bool equal_after_rounding(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  const auto half = [](double v) { return num::round(v, {.format = num::format(num::FormatId::float16)}); };
  const auto rounds_to = [&](const std::vector<double>& wide, const std::vector<double>& narrow) {
    for (size_t i = 0; i < wide.size(); ++i)
      if (!same_number(half(wide[i]), narrow[i])) return false;
    return true;
  };
  return rounds_to(a, b) || rounds_to(b, a);
}

/// "bit-equal", "equal after rounding", "different".
Result<std::string> compare_data(const Weight& a, const Weight& b) {
  ASSAY_TRY(const mil::Payload pa, a.data.gathered());
  ASSAY_TRY(const mil::Payload pb, b.data.gathered());
  const bool same_bytes = pa.view.size() == pb.view.size() &&
                          (pa.view.empty() || std::memcmp(pa.view.data(), pb.view.data(), pa.view.size()) == 0);
  if (a.data_type == b.data_type && same_bytes) return std::string("bit-equal");
  if (mil::is_float(a.data_type) && mil::is_float(b.data_type)) {
    const std::vector<double> va = as_value(a, pa).floats(), vb = as_value(b, pb).floats();
    if (!va.empty() && std::ranges::equal(va, vb, same_number)) return std::string("equal in another type");
    if (!va.empty() && equal_after_rounding(va, vb)) return std::string("equal after rounding");
  }
  return std::string("different");
}

/// "tensor<fp32, [1, 3]>" and "float32[1, 3]" as "float32[1,3]".
std::string common_spelling(std::string type) {
  std::erase(type, ' ');
  constexpr std::string_view kTensor = "tensor<fp";
  if (!type.starts_with(kTensor) || !type.ends_with('>')) return type;
  type = "float" + type.substr(kTensor.size(), type.size() - kTensor.size() - 1);
  if (const size_t comma = type.find(','); comma != std::string::npos) type.erase(comma, 1);
  return type;
}

bool same_type(const std::string& a, const std::string& b) { return common_spelling(a) == common_spelling(b); }

class Comparer {
 public:
  Comparer(const Listing& a, const Listing& b) : a_(a), b_(b) {}

  Result<std::vector<Difference>> run() {
    if (a_.format != b_.format) add("format", "", a_.format, b_.format);
    if (a_.spec_version != b_.spec_version)
      add("specification version", "", std::to_string(a_.spec_version), std::to_string(b_.spec_version));
    values("input", a_.inputs, b_.inputs);
    values("output", a_.outputs, b_.outputs);
    values("state", a_.states, b_.states);
    notes();
    ASSAY_CHECK(operations());
    return std::move(found_);
  }

 private:
  void add(std::string kind, std::string where, std::string a, std::string b) {
    found_.push_back({std::move(kind), std::move(where), std::move(a), std::move(b)});
  }

  static std::string text(const ListedValue& v) { return v.type.empty() ? "unstated" : v.type; }

  void values(const std::string& kind, const std::vector<ListedValue>& a, const std::vector<ListedValue>& b) {
    for (const ListedValue& v : a) {
      const auto other = std::ranges::find(b, v.name, &ListedValue::name);
      if (other == b.end())
        add(kind, v.name, text(v), "(none)");
      else if (!same_type(other->type, v.type))
        add(kind, v.name, text(v), text(*other));
    }
    for (const ListedValue& v : b)
      if (std::ranges::find(a, v.name, &ListedValue::name) == a.end()) add(kind, v.name, "(none)", text(v));
  }

  /// Flexible shapes, preprocessing, labels: formats have other ones.
  void notes() {
    if (a_.format != b_.format) return;
    for (const std::string& note : a_.notes)
      if (std::ranges::find(b_.notes, note) == b_.notes.end()) add("note", "", note, "(none)");
    for (const std::string& note : b_.notes)
      if (std::ranges::find(a_.notes, note) == a_.notes.end()) add("note", "", "(none)", note);
  }

  static std::string describe(const ListedOp& op) { return op.kind + " '" + op.name + "'"; }
  static std::string key(const ListedOp& op) { return op.outputs.empty() ? op.name : op.outputs.front().name; }

  /// The parts' names stand before those of their operations: several functions may use one name.
  static std::vector<std::pair<std::string, const ListedOp*>> keyed(const Listing& listing) {
    std::vector<std::pair<std::string, const ListedOp*>> rows;
    if (listing.parts.empty())
      for (const ListedOp& op : listing.ops) rows.emplace_back(key(op), &op);
    for (size_t i = 0; i < listing.parts.size(); ++i)
      for (const ListedOp& op : listing.ops_of(i)) rows.emplace_back(listing.parts[i].heading + ": " + key(op), &op);
    return rows;
  }

  /// Operations are the same when they write the same value.
  Status operations() {
    const auto ours = keyed(a_), theirs = keyed(b_);
    std::unordered_map<std::string, const ListedOp*> others(theirs.begin(), theirs.end());
    for (const auto& [key, op] : ours) {
      const auto other = others.find(key);
      if (other == others.end()) {
        add("operator", key, describe(*op), "(none)");
        continue;
      }
      ASSAY_CHECK(operation(*op, *other->second));
      others.erase(other);
    }
    for (const auto& [key, op] : theirs)
      if (others.contains(key)) add("operator", key, "(none)", describe(*op));
    return {};
  }

  /// In the order of their names where they have some: maps of a file have no order.
  std::string reads(const ListedOp& op) const {
    std::vector<std::string> inputs = op.inputs;
    if (a_.format == "Core ML ML Program") std::ranges::sort(inputs);
    return join(inputs, ", ");
  }

  Status operation(const ListedOp& a, const ListedOp& b) {
    if (a.kind == b.kind && a_.format == b_.format && reads(a) != reads(b))
      add("inputs of", key(a), reads(a), reads(b));
    if (a.kind != b.kind) add("operator", key(a), a.kind, b.kind);
    for (const ListedValue& v : a.outputs) {
      const auto other = std::ranges::find(b.outputs, v.name, &ListedValue::name);
      if (other != b.outputs.end() && !same_type(other->type, v.type)) add("type", v.name, text(v), text(*other));
    }
    attributes(a, b);
    return weights(a, b);
  }

  void attributes(const ListedOp& a, const ListedOp& b) {
    if (a.kind != b.kind) return;  // other operators have other attributes
    const auto text_in = [](const ListedOp& op, const std::string& name) -> std::string {
      const auto found = std::ranges::find(op.attributes, name, [](const auto& row) { return row.first; });
      return found == op.attributes.end() ? "(none)" : found->second;
    };
    for (const auto& [name, value] : a.attributes)
      if (const std::string other = text_in(b, name); other != value)
        add("attribute", key(a) + "." + name, value, other);
    for (const auto& [name, value] : b.attributes)
      if (text_in(a, name) == "(none)") add("attribute", key(a) + "." + name, "(none)", value);
  }

  /// One of them may be null.
  Status weight(const std::string& where, const Weight* a, const Weight* b) {
    if (a == nullptr || b == nullptr) {
      add("weight", where, a ? a->type + a->shape : "(none)", b ? b->type + b->shape : "(none)");
      return {};
    }
    ASSAY_TRY(const std::string relation, compare_data(*a, *b));
    if (relation != "bit-equal" || a->type != b->type ||
        (!a->shape.empty() && !b->shape.empty() && a->shape != b->shape))
      add("weight", where, a->type + a->shape + " (" + relation + ")", b->type + b->shape);
    return {};
  }

  /// Parameters of one operator have the same names, in any order; initializers of ONNX are taken in turn.
  Status weights(const ListedOp& a, const ListedOp& b) {
    const bool by_name = a.kind == b.kind && a_.format == b_.format && a_.format != "ONNX";
    std::vector<bool> met(b.weights.size());
    for (size_t i = 0; i < a.weights.size(); ++i) {
      size_t j = i;
      if (by_name)
        for (j = 0; j < met.size() && (met[j] || b.weights[j].name != a.weights[i].name);) ++j;
      const bool found = j < met.size();
      if (found) met[j] = true;
      ASSAY_CHECK(weight(key(a) + "." + a.weights[i].name, &a.weights[i], found ? &b.weights[j] : nullptr));
    }
    for (size_t j = 0; j < met.size(); ++j)
      if (!met[j]) ASSAY_CHECK(weight(key(a) + "." + b.weights[j].name, nullptr, &b.weights[j]));
    return {};
  }

  const Listing &a_, &b_;
  std::vector<Difference> found_;
};

}  // namespace

Result<std::vector<Difference>> compare_listings(const Listing& a, const Listing& b) { return Comparer(a, b).run(); }

}  // namespace assay::api
