#include "audit/trace/widen.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <memory>
#include <unordered_map>

#include "base/split_mix.h"

namespace assay::audit {
namespace {
using ir::ElemType;
using ir::Tensor;

bool is_half(ElemType type) { return type == ElemType::float16 || type == ElemType::bfloat16; }

Tensor converted(const Tensor& from, ElemType type) {
  Tensor to = Tensor::allocate(type, from.dims());
  for (int64_t i = 0; i < from.size(); ++i) to.set_float(i, from.float_at(i));
  return to;
}

uint64_t mixed(uint64_t number) { return split_mix(number + kSplitMixStep); }

// The same for the same numbers in any order: converters turn weights.
uint64_t numbers_of(const Tensor& tensor) {
  auto sum = static_cast<uint64_t>(tensor.size());
  for (int64_t i = 0; i < tensor.size(); ++i) sum += mixed(std::bit_cast<uint64_t>(tensor.float_at(i)));
  return sum;
}

ir::Type widened_type(ir::Type type) {
  if (type.is_tensor() && is_half(type.elem)) type.elem = ElemType::float32;
  if (type.element) type.element = std::make_shared<const ir::Type>(widened_type(*type.element));
  return type;
}

/// What becomes of the numbers of a model: constants, and attributes that are numbers.
using Change = std::function<Tensor(const Tensor&)>;

void widen_attr(ir::Attr& attr, const ir::Op& op, const Change& change) {
  if (auto* tensor = std::get_if<Tensor>(&attr.value)) *tensor = widened(*tensor);
  if (auto* type = std::get_if<ir::Type>(&attr.value)) *type = widened_type(*type);
  if (auto* value = std::get_if<float>(&attr.value))
    *value = static_cast<float>(change(Tensor::scalar(*value)).float_at(0));
  if (auto* code = std::get_if<int64_t>(&attr.value)) {
    const bool names_type = (op.type == "Cast" && attr.name == "to") || attr.name == "dtype" ||
                            attr.name == "output_dtype" || attr.name == "stash_type";
    const auto type = names_type ? ir::elem_from_onnx(*code) : std::nullopt;
    if (type && is_half(*type)) *code = static_cast<int64_t>(ElemType::float32);
  }
}

bool is_number(const Tensor& tensor) {
  return !tensor.is_list() && (tensor.elem() == ElemType::float32 || is_half(tensor.elem()));
}

ir::Graph changed(const ir::Graph& graph, const Change& change) {
  ir::Graph out = graph;
  for (ir::Value& value : out.values) {
    value.type = widened_type(value.type);
    if (value.constant && is_number(*value.constant))
      value.constant = std::make_shared<const Tensor>(change(*value.constant));
  }
  for (ir::Op& op : out.ops)
    for (ir::Attr& attr : op.attrs) {
      widen_attr(attr, op, change);
      auto* nested = std::get_if<std::shared_ptr<ir::Graph>>(&attr.value);
      if (nested != nullptr && *nested) *nested = std::make_shared<ir::Graph>(changed(**nested, change));
    }
  return out;
}

void for_each_number(const ir::Graph& graph, const std::function<void(const Tensor&)>& see) {
  for (const ir::Value& value : graph.values)
    if (value.constant && is_number(*value.constant)) see(*value.constant);
  for (const ir::Op& op : graph.ops) {
    for (const ir::Attr& attr : op.attrs)
      if (const auto* value = std::get_if<float>(&attr.value)) see(Tensor::scalar(*value));
    ir::for_each_nested(op, [&](const ir::Graph& inner) { for_each_number(inner, see); });
  }
}

struct Lattice {
  int bits;   ///< of the significand
  int least;  ///< the smallest number is 2 to this power
};
Lattice lattice_of(ElemType type) {
  if (type == ElemType::float16) return {11, -24};
  return type == ElemType::bfloat16 ? Lattice{8, -133} : Lattice{24, -149};
}

// A bound of 254.999 in one model and of 255 in the other is no model in 16 bits: so many numbers are.
constexpr size_t kNoChance = 8;

// Whether a number was hardly rounded to get where it is: half the bits of the type say it (0, 0.5, 6, 255).
bool is_short(double x, int bits) {
  int exponent = 0;
  const double scaled = std::ldexp(std::frexp(x, &exponent), bits / 2);
  return scaled == std::trunc(scaled);
}

bool is_on(const Lattice& lattice, double x) {
  int exponent = 0;
  std::frexp(x, &exponent);
  const double scaled = std::ldexp(x, -std::max(exponent - lattice.bits, lattice.least));
  return scaled == std::trunc(scaled);
}

// Where all elements are on the lattice: how many of them rounding alone puts there.
size_t rounded_elements(const Tensor& tensor, const Lattice& lattice) {
  size_t out = 0;
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const double x = tensor.float_at(i);
    if (!is_on(lattice, x)) return 0;
    if (!is_short(x, lattice.bits)) ++out;
  }
  return out;
}

// By a unit in the last place of the type, up or down as the place of the element has it.
Tensor moved(const Tensor& from) {
  const Lattice lattice = lattice_of(from.elem());
  const double relative = std::ldexp(1, 1 - lattice.bits), least = std::ldexp(1, lattice.least);
  Tensor to = Tensor::allocate(ElemType::float32, from.dims());
  for (int64_t i = 0; i < from.size(); ++i) {
    const double x = from.float_at(i);
    const double by = std::isfinite(x) && !is_short(x, lattice.bits) ? std::max(std::abs(x) * relative, least) : 0;
    to.set_float(i, (mixed(static_cast<uint64_t>(i)) & 1) != 0 ? x + by : x - by);
  }
  return to;
}

}  // namespace

Tensor widened(const Tensor& tensor) {
  return !tensor.is_list() && is_half(tensor.elem()) ? converted(tensor, ElemType::float32) : tensor;
}

ir::Graph widened(const ir::Graph& graph) {
  return changed(graph, [](const Tensor& tensor) { return widened(tensor); });
}

Narrow narrow_constants(const ir::Graph& graph) {
  Narrow out;
  for_each_number(graph, [&](const Tensor& tensor) {
    if (!is_half(tensor.elem())) return;
    if (!out.type) out.type = tensor.elem();
    out.numbers.insert(numbers_of(tensor));
  });
  return out;
}

Narrow rounded_constants(const ir::Graph& graph, const ir::Graph& wide, ElemType type) {
  std::unordered_map<uint64_t, size_t> held;
  for_each_number(graph, [&](const Tensor& tensor) {
    if (tensor.elem() != ElemType::float32) return;
    if (const size_t elements = rounded_elements(tensor, lattice_of(type)); elements > 0)
      held.emplace(numbers_of(tensor), elements);
  });
  Narrow out;
  if (held.empty()) return out;
  size_t elements = 0;
  for_each_number(wide, [&](const Tensor& tensor) {
    if (tensor.elem() != ElemType::float32) return;
    const uint64_t rounded = numbers_of(converted(tensor, type));
    if (const auto found = held.find(rounded); found != held.end() && numbers_of(tensor) != rounded)
      if (out.numbers.insert(rounded).second) elements += found->second;
  });
  if (elements >= kNoChance) out.type = type;
  return out;
}

ir::Graph rounded_like(const ir::Graph& graph, const Narrow& narrow) {
  return changed(graph, [&](const Tensor& tensor) {
    if (tensor.elem() != ElemType::float32) return widened(tensor);
    Tensor rounded = widened(converted(tensor, *narrow.type));
    return narrow.numbers.contains(numbers_of(rounded)) ? rounded : tensor;
  });
}

Numbers numbers_in(const ir::Graph& graph) {
  Numbers out;
  for_each_number(graph, [&](const Tensor& tensor) { out.insert(numbers_of(tensor)); });
  return out;
}

ir::Graph moved_but(const ir::Graph& graph, const Numbers& shared) {
  return changed(graph, [&](const Tensor& tensor) {
    return shared.contains(numbers_of(tensor)) ? widened(tensor) : moved(tensor);
  });
}

}  // namespace assay::audit
