// Laying arrays against a program's inputs. Three layouts are tried in turn: the first axis holds the samples and the
// model has it too (fixed or symbolic); the model lacks it; the arrays as they are make one sample.
#include <algorithm>
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

Result<std::vector<Tensor>> pick(const Arrays& arrays, std::span<const Port> ports) {
  std::vector<Tensor> out;
  for (const Port& port : ports) {
    const Tensor* array = find(arrays, port.name);
    if (array == nullptr) {
      const std::string near = did_you_mean(port.name, names_of(arrays));
      return Error{Code::data_missing,
                   "input '" + port.name + "' is not in the data, which has " +
                       (arrays.empty() ? "no arrays" : join(names_of(arrays), ", ")) + "; the model's inputs are " +
                       join(names_of(ports), ", "),
                   port.name, near.empty() ? "name the arrays as the model's inputs" : "is '" + near + "' meant?"};
    }
    if (array->elem() != port.type.elem)
      return Error{Code::data_type,
                   "input '" + port.name + "' is " + std::string(ir::elem_name(array->elem())) +
                       " in the data, the model declares " + ir::to_string(port.type),
                   port.name, "convert the array to " + std::string(ir::elem_name(port.type.elem))};
    out.push_back(*array);
  }
  return out;
}

// Samples along the first axis that all arrays share; nullopt when they do not.
std::optional<int64_t> common_first(std::span<const Port> ports, const std::vector<Tensor>& arrays) {
  std::optional<int64_t> count;
  for (size_t i = 0; i < ports.size(); ++i) {
    if (shared(ports[i], arrays[i])) continue;
    if (arrays[i].rank() == 0 || (count && *count != arrays[i].dims()[0])) return std::nullopt;
    count = arrays[i].dims()[0];
  }
  return count;
}

// The batch that the model takes when its first axes are the samples; 0: any.
std::optional<size_t> batch_of(std::span<const Port> ports, const std::vector<Tensor>& arrays, int64_t count) {
  std::optional<ir::Dim> first;
  for (size_t i = 0; i < ports.size(); ++i) {
    if (shared(ports[i], arrays[i])) continue;
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

Error misfit(std::span<const Port> ports, const std::vector<Tensor>& arrays) {
  for (const size_t axis : {size_t{0}, size_t{1}})
    if (const auto c = conflict(ports, arrays, axis); c && fits(arrays[c->first].dims(), axis, ports[c->first], 0) &&
                                                      fits(arrays[c->second].dims(), axis, ports[c->second], 0))
      return disagreement(ports, arrays, *c);
  size_t at = 0;
  for (size_t i = ports.size(); i-- > 0;) {
    const bool ok = !ports[i].type.ranked() ||
                    (arrays[i].rank() > 0 && !ports[i].type.shape->empty() && fits(arrays[i].dims(), 1, ports[i], 1));
    if (!ok) at = i;
  }
  std::string message = "input '" + ports[at].name + "' has the shape " + ir::to_string(arrays[at].dims()) +
                        " in the data, the model declares " + ir::to_string(ports[at].type);
  if (!common_first(ports, arrays)) message += "; the arrays differ in their number of samples (first axis)";
  return Error{Code::data_shape, std::move(message), ports[at].name,
               "the first axis holds the samples, the others are the model's"};
}
}  // namespace

Result<Samples> Samples::create(const Arrays& arrays, std::span<const Port> ports) {
  Samples s;
  ASSAY_TRY(s.arrays_, pick(arrays, ports));
  for (size_t i = 0; i < ports.size(); ++i) s.shared_.push_back(shared(ports[i], s.arrays_[i]));
  const auto count = common_first(ports, s.arrays_);
  if (count) {
    s.count_ = static_cast<size_t>(*count);
    if (const auto batch = batch_of(ports, s.arrays_, *count)) {
      s.batch_ = *batch;
      return s;
    }
  }
  s.axis_ = false;
  const auto all = [&](size_t from) {
    for (size_t i = 0; i < ports.size(); ++i) {
      if (s.shared_[i]) continue;
      if (!ports[i].type.ranked() || s.arrays_[i].rank() < static_cast<int64_t>(from)) return false;
      if (!fits(s.arrays_[i].dims(), from, ports[i], 0)) return false;
    }
    return !conflict(ports, s.arrays_, from);
  };
  if (count && all(1)) return s;
  s.whole_ = true;
  s.count_ = 1;
  if (all(0)) return s;
  return misfit(ports, s.arrays_);
}

Samples Samples::of_count(size_t count) {
  Samples s;
  s.count_ = count;
  s.batch_ = 0;
  return s;
}

std::vector<Tensor> Samples::slice(size_t first, size_t count) const {
  std::vector<Tensor> out;
  for (size_t i = 0; i < arrays_.size(); ++i) {
    const bool as_is = whole_ || shared_[i];
    out.push_back(as_is ? arrays_[i] : backends::slice_samples(arrays_[i], first, count, !axis_));
  }
  return out;
}

}  // namespace assay::audit
