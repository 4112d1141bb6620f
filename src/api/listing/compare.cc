// Two listings side by side.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_map>

#include "api/listing/listing.h"
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
      else if (other->type != v.type)
        add(kind, v.name, text(v), text(*other));
    }
    for (const ListedValue& v : b)
      if (std::ranges::find(a, v.name, &ListedValue::name) == a.end()) add(kind, v.name, "(none)", text(v));
  }

  static std::string describe(const ListedOp& op) { return op.kind + " '" + op.name + "'"; }
  static std::string key(const ListedOp& op) { return op.outputs.empty() ? op.name : op.outputs.front().name; }

  /// Operations are the same when they write the same value.
  Status operations() {
    std::unordered_map<std::string, const ListedOp*> others;
    for (const ListedOp& op : b_.ops) others.emplace(key(op), &op);
    for (const ListedOp& op : a_.ops) {
      const auto other = others.find(key(op));
      if (other == others.end()) {
        add("operator", key(op), describe(op), "(none)");
        continue;
      }
      ASSAY_CHECK(operation(op, *other->second));
      others.erase(other);
    }
    for (const ListedOp& op : b_.ops)
      if (others.contains(key(op))) add("operator", key(op), "(none)", describe(op));
    return {};
  }

  Status operation(const ListedOp& a, const ListedOp& b) {
    if (a.kind != b.kind) add("operator", key(a), a.kind, b.kind);
    for (const ListedValue& v : a.outputs) {
      const auto other = std::ranges::find(b.outputs, v.name, &ListedValue::name);
      if (other != b.outputs.end() && other->type != v.type) add("type", v.name, text(v), text(*other));
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

  Status weights(const ListedOp& a, const ListedOp& b) {
    const size_t pairs = std::min(a.weights.size(), b.weights.size());
    for (size_t i = 0; i < pairs; ++i) {
      const Weight &wa = a.weights[i], &wb = b.weights[i];
      ASSAY_TRY(const std::string relation, compare_data(wa, wb));
      if (relation != "bit-equal" || wa.type != wb.type ||
          (!wa.shape.empty() && !wb.shape.empty() && wa.shape != wb.shape))
        add("weight", key(a) + "." + wa.name, wa.type + wa.shape + " (" + relation + ")", wb.type + wb.shape);
    }
    for (size_t i = pairs; i < a.weights.size(); ++i)
      add("weight", key(a) + "." + a.weights[i].name, a.weights[i].type + a.weights[i].shape, "(none)");
    for (size_t i = pairs; i < b.weights.size(); ++i)
      add("weight", key(a) + "." + b.weights[i].name, "(none)", b.weights[i].type + b.weights[i].shape);
    return {};
  }

  const Listing &a_, &b_;
  std::vector<Difference> found_;
};

}  // namespace

Result<std::vector<Difference>> compare_listings(const Listing& a, const Listing& b) { return Comparer(a, b).run(); }

}  // namespace assay::api
