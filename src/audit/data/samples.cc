// Laying arrays against a program's inputs. Layouts are tried in turn: the first axis holds the samples and the model
// has it too (fixed or symbolic); the same, where arrays of exactly a fixed declared shape belong to every sample; the
// model lacks the axis; the arrays as they are make one sample.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "audit/data.h"
#include "backends/recorded.h"
#include "base/text.h"

namespace assay::audit {
namespace {
using ir::Dims;
using ir::Tensor;

bool fits(const Dims& dims, size_t from, const Port& port, size_t port_from) {
  const auto& shape = *port.type.shape;
  if (dims.size() - from != shape.size() - port_from) return false;
  for (size_t i = from; i < dims.size(); ++i) {
    const ir::Dim& want = shape[i - from + port_from];
    if (want.known() && want.value != dims[i]) return false;
  }
  return true;
}

// Every sample gets the array as it is.
bool shared(const Port& port, const Tensor& array) {
  if (!port.type.ranked() || !fits(array.dims(), 0, port, 0)) return false;
  const auto& shape = *port.type.shape;
  return shape.empty() || (port.replaces_default && shape[0].known());
}

bool symbolic_first(const Port& port) {
  return port.type.ranked() && !port.type.shape->empty() && !(*port.type.shape)[0].known();
}

// The declared shape has numbers only, and the array is of this shape.
bool exact(const Port& port, const Tensor& array) {
  if (!port.type.ranked() || !fits(array.dims(), 0, port, 0)) return false;
  return std::ranges::all_of(*port.type.shape, [](const ir::Dim& dim) { return dim.known(); });
}

// Two inputs whose first dimension is one symbol, and whose arrays differ in it; the first `axis` axes of the arrays
// are the samples.
struct Conflict {
  size_t first, second;
};
std::optional<Conflict> conflict(std::span<const Port> ports, const std::vector<Tensor>& arrays, size_t axis) {
  std::map<std::string, size_t> seen;
  for (size_t i = 0; i < ports.size(); ++i) {
    if (!ports[i].type.ranked() || ports[i].type.shape->empty() || arrays[i].rank() <= static_cast<int64_t>(axis))
      continue;
    const std::string& symbol = (*ports[i].type.shape)[0].symbol;
    if (symbol.empty()) continue;
    const size_t first = seen.emplace(symbol, i).first->second;
    if (arrays[first].dims()[axis] != arrays[i].dims()[axis]) return Conflict{first, i};
  }
  return std::nullopt;
}

const NamedArray* find_for(const Arrays& arrays, const Port& port) {
  if (const NamedArray* array = find_array(arrays, port.name)) return array;
  return port.alias.empty() ? nullptr : find_array(arrays, port.alias);
}

// Pixels that came as another type than uint8: whole numbers from 0 to 255.
Result<Tensor> as_pixels(const Tensor& array, const Port& port) {
  Tensor out = Tensor::allocate(ir::ElemType::uint8, array.dims());
  for (int64_t i = 0; i < array.size(); ++i) {
    const double v = ir::is_float(array.elem()) ? array.float_at(i) : static_cast<double>(array.int_at(i));
    if (!(v >= 0 && v <= 255 && v == std::floor(v)))
      return Error{Code::value_range, "the value " + shortest(v) + " is no pixel of the model's image", port.name,
                   "images are whole numbers from 0 to 255: what scales them stands in the model"};
    out.set_int(i, static_cast<int64_t>(v));
  }
  return out;
}

Status check_integer(int64_t value, const Port& port) {
  constexpr int64_t kExact = int64_t{1} << 24;
  if (value < INT32_MIN || value > INT32_MAX)
    return Error{Code::value_range, "the value " + std::to_string(value) + " does not fit the model's int32 input",
                 port.name, "Core ML has no int64 inputs: keep values within 32 bits"};
  if (!port.in_layers || (value >= -kExact && value <= kExact)) return {};
  return Error{
      Code::value_range,
      "the value " + std::to_string(value) + " is beyond 2^24, up to which layers, which hold float32, are exact",
      port.name, "convert the model to an ML Program, or keep values within 2^24"};
}

// The array as a Core ML file takes it: int64 and booleans as int32, numbers as pixels, each value checked; scalars as
// one element.
Result<Tensor> as_core_ml(const Tensor& array, const Port& port) {
  const bool one = array.rank() == 0 && port.type.is_static() && port.type.dims() == ir::Dims{1};
  const Tensor shaped = one ? array.reshaped({1}) : array;
  const bool numbers = ir::is_float(array.elem()) || ir::is_integer(array.elem());
  if (port.type.elem == ir::ElemType::uint8 && numbers && array.elem() != ir::ElemType::uint8)
    return as_pixels(shaped, port);
  const bool wide = array.elem() == ir::ElemType::int64 || array.elem() == ir::ElemType::boolean;
  if (port.type.elem != ir::ElemType::int32 || (!wide && array.elem() != ir::ElemType::int32)) return shaped;
  if (!wide && !port.in_layers) return shaped;
  Tensor out = wide ? Tensor::allocate(ir::ElemType::int32, shaped.dims()) : Tensor();
  for (int64_t i = 0; i < shaped.size(); ++i) {
    ASSAY_CHECK(check_integer(shaped.int_at(i), port));
    if (wide) out.set_int(i, shaped.int_at(i));
  }
  return wide ? out : shaped;
}

Result<Arrays> pick(const Arrays& arrays, std::span<const Port> ports) {
  Arrays out;
  for (const Port& port : ports) {
    const NamedArray* found = find_for(arrays, port);
    if (found == nullptr) {
      const std::string near = did_you_mean(port.name, names_of(arrays));
      return Error{Code::data_missing,
                   "input '" + port.name + "' is not in the data, which has " +
                       (arrays.empty() ? "no arrays" : join(names_of(arrays), ", ")) + "; the model's inputs are " +
                       join(names_of(ports), ", "),
                   port.name, near.empty() ? "name the arrays as the model's inputs" : "is '" + near + "' meant?"};
    }
    const Tensor& array = found->tensor;
    if (port.core_ml) {
      ASSAY_TRY(Tensor fitted, as_core_ml(array, port));
      if (fitted.elem() == port.type.elem) {
        const bool same = fitted.bytes() == array.bytes();
        out.push_back({port.name, std::move(fitted), same ? found->file : nullptr});
        continue;
      }
    }
    if (array.elem() != port.type.elem)
      return Error{Code::data_type,
                   "input '" + port.name + "' is " + std::string(ir::elem_name(array.elem())) +
                       " in the data, the model declares " + ir::to_string(port.type),
                   port.name, "convert the array to " + std::string(ir::elem_name(port.type.elem))};
    out.push_back({port.name, array, found->file});
  }
  return out;
}

std::vector<Tensor> tensors_in(const Arrays& arrays) {
  std::vector<Tensor> out;
  for (const NamedArray& array : arrays) out.push_back(array.tensor);
  return out;
}

// Samples along the first axis that all arrays share; nullopt when they do not.
std::optional<int64_t> common_first(const std::vector<Tensor>& arrays, const std::vector<bool>& shared) {
  std::optional<int64_t> count;
  for (size_t i = 0; i < arrays.size(); ++i) {
    if (shared[i]) continue;
    if (arrays[i].rank() == 0 || (count && *count != arrays[i].dims()[0])) return std::nullopt;
    count = arrays[i].dims()[0];
  }
  return count;
}

// The batch that the model takes when its first axes are the samples; 0: any.
std::optional<size_t> batch_of(std::span<const Port> ports, const std::vector<Tensor>& arrays,
                               const std::vector<bool>& shared, int64_t count) {
  std::optional<ir::Dim> first;
  for (size_t i = 0; i < ports.size(); ++i) {
    if (shared[i]) continue;
    if (!ports[i].type.ranked()) {
      first = ir::Dim(1);  // nothing is known: one sample at a time
      continue;
    }
    const auto& shape = *ports[i].type.shape;
    if (shape.empty() || !fits(arrays[i].dims(), 1, ports[i], 1)) return std::nullopt;
    // Several symbols, or a symbol beside a number, may be the same in truth; one sample at a time is always right.
    if (first && !(*first == shape[0])) {
      const bool fixed = first->known() && shape[0].known();
      if (fixed) return std::nullopt;
      first = first->known() ? *first : shape[0].known() ? shape[0] : ir::Dim(1);
      continue;
    }
    first = shape[0];
  }
  if (!first) return std::nullopt;
  if (!first->known()) return first->symbol.empty() && ports.size() > 1 ? size_t{1} : size_t{0};
  if (first->value < 1 || count % first->value != 0) return std::nullopt;
  return static_cast<size_t>(first->value);
}

Error disagreement(std::span<const Port> ports, const std::vector<Tensor>& arrays, const Conflict& c) {
  const auto part = [&](size_t i) {
    return "'" + ports[i].name + "' has the shape " + ir::to_string(arrays[i].dims());
  };
  return Error{Code::data_shape,
               "input " + part(c.second) + " in the data and " + part(c.first) +
                   ", but the model declares one number '" + (*ports[c.first].type.shape)[0].symbol +
                   "' for the first dimension of both",
               ports[c.second].name, "give as many samples of the one as of the other"};
}

// Whether the array can be cut into samples, taken by itself.
bool holds_samples(const Port& port, const Tensor& array) {
  if (array.rank() == 0) return false;
  if (!port.type.ranked()) return true;
  const auto& shape = *port.type.shape;
  if (shape.empty() || !fits(array.dims(), 1, port, 1)) return false;
  return !shape[0].known() || (shape[0].value > 0 && array.dims()[0] % shape[0].value == 0);
}

// The input to blame: one that fits in no way; else one that is a single sample beside others that are several; else
// the first that has another number of samples than the first.
size_t at_fault(std::span<const Port> ports, const std::vector<Tensor>& arrays, const std::vector<bool>& shared) {
  std::optional<size_t> first, single, other;
  bool several = false;
  for (size_t i = 0; i < ports.size(); ++i) {
    if (shared[i]) continue;
    if (!holds_samples(ports[i], arrays[i])) return i;
    if (exact(ports[i], arrays[i])) {
      if (!single) single = i;
    } else {
      several = true;
    }
    if (!first) first = i;
    if (!other && arrays[i].dims()[0] != arrays[*first].dims()[0]) other = i;
  }
  return single && several ? *single : other ? *other : first.value_or(0);
}

Error misfit(std::span<const Port> ports, const std::vector<Tensor>& arrays, const std::vector<bool>& shared) {
  for (const size_t axis : {size_t{0}, size_t{1}})
    if (const auto c = conflict(ports, arrays, axis); c && fits(arrays[c->first].dims(), axis, ports[c->first], 0) &&
                                                      fits(arrays[c->second].dims(), axis, ports[c->second], 0))
      return disagreement(ports, arrays, *c);
  const size_t at = at_fault(ports, arrays, shared);
  std::string message = "input '" + ports[at].name + "' has the shape " + ir::to_string(arrays[at].dims()) +
                        " in the data, the model declares " + ir::to_string(ports[at].type);
  if (!common_first(arrays, shared)) {
    std::vector<std::string> others;
    for (size_t i = 0; i < ports.size(); ++i)
      if (i != at && !shared[i]) others.push_back("'" + ports[i].name + "' has " + ir::to_string(arrays[i].dims()));
    message += "; the arrays differ in their number of samples (first axis): " + join(others, ", ");
  }
  return Error{Code::data_shape, std::move(message), ports[at].name,
               "the first axis holds the samples, the others are the model's"};
}
}  // namespace

Result<Samples> Samples::create(const Arrays& arrays, std::span<const Port> ports, Whole whole) {
  Samples s;
  ASSAY_TRY(s.arrays_, pick(arrays, ports));
  const std::vector<Tensor> tensors = tensors_in(s.arrays_);
  std::vector<bool> own, fixed;  // shared in any case; those of a fixed shape too
  bool symbolic = false, several = false;
  for (size_t i = 0; i < ports.size(); ++i) {
    own.push_back(shared(ports[i], tensors[i]));
    fixed.push_back(own[i] || exact(ports[i], tensors[i]));
    const bool cut = !own[i] && symbolic_first(ports[i]) && tensors[i].rank() > 0;
    symbolic = symbolic || cut;
    several = several || (cut && tensors[i].dims()[0] > 1);
  }
  for (const std::vector<bool>* sharing : {&own, &fixed}) {
    if (sharing == &fixed && (!symbolic || fixed == own)) break;
    const auto count = common_first(tensors, *sharing);
    if (!count) continue;
    if (const auto batch = batch_of(ports, tensors, *sharing, *count)) {
      s.shared_ = *sharing;
      s.count_ = static_cast<size_t>(*count);
      s.batch_ = *batch;
      return s;
    }
  }
  s.shared_ = own;
  s.axis_ = false;
  const auto all = [&](size_t from) {
    for (size_t i = 0; i < ports.size(); ++i) {
      if (s.shared_[i]) continue;
      if (!ports[i].type.ranked() || tensors[i].rank() < static_cast<int64_t>(from)) return false;
      if (!fits(tensors[i].dims(), from, ports[i], 0)) return false;
    }
    return !conflict(ports, tensors, from);
  };
  if (const auto count = common_first(tensors, own); count && all(1)) {
    s.count_ = static_cast<size_t>(*count);
    return s;
  }
  s.whole_ = true;
  s.count_ = 1;
  if ((!several || whole == Whole::allowed) && all(0)) return s;
  return misfit(ports, tensors, own);
}

Samples Samples::of_count(size_t count) {
  Samples s;
  s.count_ = count;
  s.batch_ = 0;
  return s;
}

Result<std::vector<Tensor>> Samples::slice(size_t first, size_t count) const {
  std::vector<Tensor> out;
  for (size_t i = 0; i < arrays_.size(); ++i) {
    const bool as_is = whole_ || shared_[i];
    ASSAY_TRY(Tensor part,
              as_is ? backends::in_memory(arrays_[i]) : backends::slice_samples(arrays_[i], first, count, !axis_));
    out.push_back(std::move(part));
  }
  return out;
}

}  // namespace assay::audit
