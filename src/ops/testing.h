// For tests: a graph of one operator, run on given tensors under a given policy.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "num/simd.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/kernel.h"
#include "ops/upgrade.h"

namespace assay::ops::testing {

/// OneOp("Softmax").attr("axis", int64_t{1}).in(x).run()
class OneOp {
 public:
  explicit OneOp(std::string_view type, std::string_view domain = {}) {
    op_.type = std::string(type);
    op_.domain = std::string(domain);
    op_.def = find_op(domain, type);
    EXPECT_NE(op_.def, nullptr) << type;
  }
  OneOp& attr(std::string_view name, ir::AttrValue value) {
    op_.set_attr(name, std::move(value));
    return *this;
  }
  /// `declared`: the model's type when the tensor is stored in another (float32 stored as float16).
  OneOp& in(ir::Tensor tensor, ir::ElemType declared = ir::ElemType::undefined) {
    const ir::ElemType type = declared == ir::ElemType::undefined ? tensor.elem() : declared;
    const ir::ValueId id = graph_.add_value("in" + std::to_string(tensors_.size()), ir::Type::of(type, tensor.dims()));
    if (type != tensor.elem()) graph_.at(id).storage = tensor.elem();
    // Small integer operands are shapes, axes and the like: inference may read them.
    if (!ir::is_float(type) && type != ir::ElemType::string)
      graph_.at(id).constant = std::make_shared<ir::Tensor>(tensor);
    graph_.inputs.push_back(id);
    op_.inputs.push_back(id);
    ids_.push_back(id);
    tensors_.push_back(std::move(tensor));
    return *this;
  }
  /// A list: what is no tensor, under its type.
  OneOp& in(ir::Tensor list, ir::Type type) {
    const ir::ValueId id = graph_.add_value("in" + std::to_string(tensors_.size()), std::move(type));
    graph_.inputs.push_back(id);
    op_.inputs.push_back(id);
    ids_.push_back(id);
    tensors_.push_back(std::move(list));
    return *this;
  }
  OneOp& absent() {
    op_.inputs.push_back(ir::kNoValue);
    return *this;
  }
  OneOp& policy(num::Policy policy) {
    op_.policy = std::move(policy);
    return *this;
  }
  /// Float32 outputs are stored as this, their result rounded to it.
  OneOp& storage(ir::ElemType type) {
    storage_ = type;
    if (const auto format = ir::elem_format(type)) op_.policy.result = num::Rounding{.format = num::format(*format)};
    return *this;
  }
  OneOp& outputs(size_t n) {
    output_count_ = n;
    return *this;
  }
  OneOp& threads(int count) {
    thread_count_ = count;
    return *this;
  }
  /// As a node of an older operator set: the row's upgrades are applied.
  OneOp& opset(int version) {
    version_ = version;
    return *this;
  }

  /// Inferred types of the outputs, without running.
  Result<std::vector<ir::Type>> infer() {
    ASSAY_CHECK(complete());
    return types();
  }

  Result<std::vector<ir::Tensor>> try_run() {
    ASSAY_CHECK(complete());
    ASSAY_TRY(const std::vector<ir::Type> inferred, types());
    const Threads threads(thread_count_);
    KernelContext context(graph_, op_, threads);
    for (const ir::ValueId id : op_.inputs) {  // upgrades may have moved, added or replaced inputs
      const auto given = std::ranges::find(ids_, id);
      if (id == ir::kNoValue)
        context.inputs.push_back(nullptr);
      else if (given == ids_.end())
        context.inputs.push_back(graph_.at(id).constant.get());
      else
        context.inputs.push_back(&tensors_[static_cast<size_t>(given - ids_.begin())]);
    }
    for (size_t i = 0; i < op_.outputs.size(); ++i) {
      ir::Value& value = graph_.at(op_.outputs[i]);
      value.type = inferred[i];
      if (storage_ != ir::ElemType::undefined && value.type.elem == ir::ElemType::float32) value.storage = storage_;
      context.outputs.emplace_back();
      if (value.type.is_static()) context.allocate(i, value.type.dims());
    }
    ASSAY_CHECK(op_.def->eval(context));
    return context.outputs;
  }

  /// The first output; fails the test when there is none.
  ir::Tensor run() { return run_all().at(0); }
  std::vector<ir::Tensor> run_all() {
    auto result = try_run();
    if (!result.ok()) {
      ADD_FAILURE() << op_.type << ": " << result.error().message << " (" << result.error().where << ")";
      return std::vector<ir::Tensor>(std::max<size_t>(output_count_, 1), ir::Tensor::scalar(0.0f));
    }
    return *std::move(result);
  }

  const ir::Op& op() const { return op_; }

 private:
  Status complete() {
    if (!op_.outputs.empty()) return {};
    for (size_t i = 0; i < output_count_; ++i) op_.outputs.push_back(graph_.add_value("out" + std::to_string(i), {}));
    UpgradeContext upgrade(graph_, op_, version_);
    for (const Upgrade& rule : op_.def->upgrades) {
      if (rule.before <= version_) continue;
      ASSAY_CHECK(rule.apply(upgrade));
    }
    return {};
  }
  Result<std::vector<ir::Type>> types() {
    std::vector<const ir::Value*> inputs;
    for (const ir::ValueId id : op_.inputs) inputs.push_back(id == ir::kNoValue ? nullptr : &graph_.at(id));
    InferContext context(graph_, op_, inputs);
    ASSAY_CHECK(op_.def->infer(context));
    std::vector<ir::Type> result;
    for (const auto& type : context.outputs()) result.push_back(type.value_or(ir::Type{}));
    return result;
  }

  ir::Graph graph_;
  ir::Op op_;
  std::vector<ir::Tensor> tensors_;  ///< as given
  std::vector<ir::ValueId> ids_;     ///< their values
  ir::ElemType storage_ = ir::ElemType::undefined;
  size_t output_count_ = 1;
  int thread_count_ = 1;
  int version_ = 1000;
};

inline ir::Tensor f32(ir::Dims dims, const std::vector<float>& values) {
  return ir::Tensor::of<float>(ir::ElemType::float32, std::move(dims), std::span<const float>(values));
}
inline ir::Tensor f64(ir::Dims dims, const std::vector<double>& values) {
  return ir::Tensor::of<double>(ir::ElemType::float64, std::move(dims), std::span<const double>(values));
}
inline ir::Tensor i64(ir::Dims dims, const std::vector<int64_t>& values) {
  return ir::Tensor::of<int64_t>(ir::ElemType::int64, std::move(dims), std::span<const int64_t>(values));
}
/// Integers or booleans of any width.
inline ir::Tensor ints(ir::ElemType type, ir::Dims dims, const std::vector<int64_t>& values) {
  ir::Tensor t = ir::Tensor::allocate(type, std::move(dims));
  for (size_t i = 0; i < values.size(); ++i) t.set_int(static_cast<int64_t>(i), values[i]);
  return t;
}
/// Floats of any format, each rounded once.
inline ir::Tensor floats(ir::ElemType type, ir::Dims dims, const std::vector<double>& values) {
  ir::Tensor t = ir::Tensor::allocate(type, std::move(dims));
  for (size_t i = 0; i < values.size(); ++i) t.set_float(static_cast<int64_t>(i), values[i]);
  return t;
}
inline ir::Tensor strings(ir::Dims dims, std::vector<std::string> values) {
  return ir::Tensor::of_strings(std::move(dims), std::move(values));
}
inline std::vector<double> doubles(const ir::Tensor& t) {
  std::vector<double> out;
  for (int64_t i = 0; i < t.size(); ++i) out.push_back(t.float_at(i));
  return out;
}
inline std::vector<int64_t> integers(const ir::Tensor& t) { return t.ints(); }

/// Reproducible numbers in [low, high), some of them small.
inline std::vector<float> random_floats(size_t n, float low, float high, uint64_t seed = 1) {
  std::vector<float> out(n);
  uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;
  for (float& x : out) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    x = low + (high - low) * (static_cast<float>(state >> 40) / 16777216.0f);
  }
  return out;
}

inline num::Rounding to_format(num::FormatId id) { return num::Rounding{.format = num::format(id)}; }
/// float16 throughout: storage, and each step inside an operation.
inline num::Policy float16_throughout() {
  num::Policy policy;
  policy.step = policy.result = to_format(num::FormatId::float16);
  policy.accumulator.step = policy.step;
  policy.elementary = num::Elementary::correctly_rounded;
  return policy;
}
inline num::Policy float64_policy() {
  num::Policy policy;
  policy.compute = num::FormatId::float64;
  return policy;
}

/// Runs `make()` (a OneOp) with every instruction set and with several threads; all must give the same bits.
template <class Make>
ir::Tensor run_everywhere(Make make) {
  const ir::Tensor first = make().run();
  for (const num::Isa isa : num::available_isas()) {
    EXPECT_TRUE(num::force_isa(isa).ok());
    EXPECT_TRUE(ir::same_bits(first, make().run())) << num::isa_name(isa);
  }
  EXPECT_TRUE(num::force_isa(num::Isa::best).ok());
  EXPECT_TRUE(ir::same_bits(first, make().threads(3).run())) << "3 threads";
  return first;
}

}  // namespace assay::ops::testing
