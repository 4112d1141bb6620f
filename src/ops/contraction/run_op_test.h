// Runs one operator as the executor would, for tests.
#pragma once
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <vector>

#include "num/simd.h"
#include "ops/def.h"
#include "ops/infer.h"
#include "ops/kernel.h"

namespace assay::ops::contraction {

struct OneOp {
  std::string type;
  std::vector<ir::Tensor> inputs;  ///< an empty handle: absent
  std::vector<ir::Attr> attrs{};
  num::Policy policy{};
  ir::ElemType storage = ir::ElemType::undefined;  ///< of the output; undefined: the declared type
  bool prepare = false;
  int threads = 1;
  /// Fused steps: their ops must outlive the call.
  std::vector<EpilogueStep> epilogue{};

  ir::Tensor run() const {
    ir::Graph graph;
    ir::Op op{.domain = "", .type = type, .name = ""};
    op.attrs = attrs;
    op.policy = policy;
    op.def = find_op("", type);
    if (!op.def) {
      ADD_FAILURE() << type;
      return {};
    }
    for (const ir::Tensor& t : inputs) {
      op.inputs.push_back(t.empty_handle() ? ir::kNoValue
                                           : graph.add_value(graph.fresh_name("in"), ir::Type::of(t.elem(), t.dims())));
    }
    std::vector<const ir::Value*> values;
    for (const ir::ValueId id : op.inputs) values.push_back(id == ir::kNoValue ? nullptr : &graph.at(id));
    op.outputs = {ir::ValueId{0}};
    InferContext infer(graph, op, values);
    if (const Status status = op.def->infer(infer); !status.ok()) {
      ADD_FAILURE() << status.error().message;
      return {};
    }
    const ir::Type type_of_output = *infer.outputs()[0];
    op.outputs = {graph.add_value("y", type_of_output)};
    graph.at(op.outputs[0]).storage = storage;
    const Threads pool(threads);
    KernelContext c(graph, op, pool);
    for (const ir::Tensor& t : inputs) c.inputs.push_back(t.empty_handle() ? nullptr : &t);
    const ir::ElemType stored = storage == ir::ElemType::undefined ? type_of_output.elem : storage;
    c.outputs.push_back(ir::Tensor::allocate(stored, type_of_output.dims()));
    c.epilogue = epilogue;
    std::shared_ptr<const void> prepared;
    if (prepare) {
      PrepareContext p(graph, op, pool);
      for (size_t i = 0; i < inputs.size(); ++i)
        p.constants.push_back(i == 0 || inputs[i].empty_handle() ? nullptr : &inputs[i]);
      auto made = op.def->prepare(p);
      EXPECT_TRUE(made.ok());
      prepared = *made;
      c.prepared = prepared.get();
    }
    const Status status = op.def->eval(c);
    EXPECT_TRUE(status.ok());
    return c.outputs[0];
  }
};

enum class Fill { normal, halves, wild };

/// normal: standard normal; halves: on the float16 lattice; wild: with infinities, NaN, zeros of both signs, tiny
/// values.
inline ir::Tensor random_tensor(std::mt19937& random, ir::Dims dims, Fill fill,
                                ir::ElemType elem = ir::ElemType::float32) {
  ir::Tensor t = ir::Tensor::allocate(elem, std::move(dims));
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < t.size(); ++i) {
    float v = normal(random);
    if (fill == Fill::halves) v = num::float16_value(num::float16_bits(v));
    if (fill == Fill::wild) {
      switch (random() % 40) {
        case 0:
          v = INFINITY;
          break;
        case 1:
          v = -INFINITY;
          break;
        case 2:
          v = NAN;
          break;
        case 3:
        case 4:
        case 5:
          v = 0;
          break;
        case 6:
        case 7:
        case 8:
          v = -0.0f;
          break;
        case 9:
        case 10:
          v *= 0x1p-140f;
          break;
        case 11:
        case 12:
          v *= 0x1p-80f;
          break;
        case 13:
          v *= 0x1p+100f;
          break;
        default:
          break;
      }
    }
    t.set_float(i, v);
  }
  return t;
}

inline ::testing::AssertionResult same(const ir::Tensor& got, const ir::Tensor& want) {
  if (ir::same_bits(got, want)) return ::testing::AssertionSuccess();
  for (int64_t i = 0; i < std::min(got.size(), want.size()); ++i) {
    const double g = got.float_at(i), w = want.float_at(i);
    if (g != w || std::signbit(g) != std::signbit(w))
      return ::testing::AssertionFailure() << "element " << i << " of " << got.size() << ": " << g << " for " << w;
  }
  return ::testing::AssertionFailure() << "types, shapes or NaN bits differ";
}

/// Calls body for each path of the machine and 1 and 3 threads.
template <class Body>
void on_every_path(const Body& body) {
  for (const num::Isa isa : num::available_isas()) {
    ASSERT_TRUE(num::force_isa(isa).ok());
    for (const int threads : {1, 3}) {
      SCOPED_TRACE(std::string(num::isa_name(isa)) + ", threads " + std::to_string(threads));
      body(threads);
    }
  }
  ASSERT_TRUE(num::force_isa(num::Isa::best).ok());
}

}  // namespace assay::ops::contraction
