#include "coreml/lower/half_constants.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace assay::coreml {
namespace {

bool is_single(const ir::Tensor* tensor) { return tensor != nullptr && tensor->elem() == ir::ElemType::float32; }

bool overflows(float value) { return std::isfinite(value) && std::abs(value) >= ops::kHalfOverflows; }

/// Attributes with floats.
std::string overflow_of(const ir::Attr& attr) {
  if (const auto* one = std::get_if<float>(&attr.value); one != nullptr && overflows(*one))
    return fmt::format("{} of {:g} would be infinite", attr.name, *one);
  if (const auto* many = std::get_if<std::vector<float>>(&attr.value))
    for (const float value : *many)
      if (overflows(value)) return fmt::format("{:g} among {} would be infinite", value, attr.name);
  return {};
}

std::string overflow_of(const std::string& name, const ops::HalfRange& range) {
  if (range.infinite == 0) return {};
  if (range.infinite == 1) return fmt::format("{:g} in '{}' would be infinite", range.largest, name);
  return fmt::format("{} numbers in '{}' would be infinite (the largest: {:g})", range.infinite, name, range.largest);
}

}  // namespace

const ops::HalfRange& HalfConstants::range_of(const ir::Tensor& tensor) {
  const auto [found, fresh] = ranges_.try_emplace({tensor.bytes(), tensor.size()});
  if (fresh) found->second = ops::half_range(tensor);
  return found->second;
}

void HalfConstants::count(const std::string& name, const ir::Tensor& tensor) {
  const ops::HalfRange& range = range_of(tensor);
  if (range.vanishing == 0) return;
  if (first_.empty()) first_ = name;
  (tensor.size() == 1 ? raised_ : vanishing_).emplace(std::pair(tensor.bytes(), tensor.size()), range);
}

std::string HalfConstants::overflow(const ir::Op& op, const ops::MilBuilder& builder) {
  std::vector<std::pair<std::string, const ir::Tensor*>> read;
  for (size_t i = 0; i < op.inputs.size(); ++i)
    if (op.has_input(i)) read.emplace_back(builder.name(op.inputs[i]), builder.known(op.inputs[i]));
  for (const ir::Attr& attr : op.attrs) {
    if (std::string why = overflow_of(attr); !why.empty()) return why;
    if (const auto* tensor = std::get_if<ir::Tensor>(&attr.value)) read.emplace_back(attr.name, tensor);
  }
  ir::for_each_nested(op, [&](const ir::Graph& inner) {
    for (const ir::ValueId id : inner.outputs) read.emplace_back(inner.at(id).name, inner.at(id).constant.get());
  });
  for (const auto& [name, tensor] : read)
    if (is_single(tensor))
      if (std::string why = overflow_of(name, range_of(*tensor)); !why.empty()) return why;
  for (const auto& [name, tensor] : read)
    if (is_single(tensor)) count(name, *tensor);
  return {};
}

void HalfConstants::warn(Warnings& warnings) const {
  std::string message;
  int64_t numbers = 0;
  for (const auto& [place, range] : vanishing_) numbers += range.vanishing;
  if (numbers > 0)
    message = fmt::format("{} number{} of {} constant{} become{} 0 in float16", numbers, numbers == 1 ? "" : "s",
                          vanishing_.size(), vanishing_.size() == 1 ? "" : "s", numbers == 1 ? "s" : "");
  if (!raised_.empty())
    message += fmt::format("{}{} constant{} of one element become{} float16's smallest number, 6e-8",
                           message.empty() ? "" : "; ", raised_.size(), raised_.size() == 1 ? "" : "s",
                           raised_.size() == 1 ? "s" : "");
  if (message.empty()) return;
  warnings.push_back({Code::half_vanishes, message + " (first '" + first_ + "')", "",
                      "--precision mixed:FILE with float32 for the operations that read them keeps them"});
}

void warn_kept(const std::vector<ops::MilBuilder::Kept>& kept, Warnings& warnings) {
  if (kept.empty()) return;
  struct Row {
    size_t count = 0;
    std::string first;
  };
  std::map<std::pair<std::string, std::string>, Row> rows;
  for (const auto& [op, described, why] : kept) {
    auto& [count, first] = rows[{op->type, why}];
    if (count++ == 0) first = described;
  }
  std::string message = "these operations stay float32, between casts, because float16 does not reach their numbers:";
  for (const auto& [key, row] : rows)
    message += fmt::format("\n  {} ({}, first {}): {}", key.first, row.count, row.first, key.second);
  warnings.push_back({Code::kept_single, std::move(message), "",
                      "results above 65504 are infinite for the float16 operations that read them: --precision "
                      "mixed:FILE with float32 for those keeps them"});
}

}  // namespace assay::coreml
