#include "ops/elementwise_run.h"

#include <memory>
#include <optional>

#include "ops/broadcast.h"
#include "ops/elementwise.h"

namespace assay::ops {
namespace {

template <class T>
SpanFn<T> span_of(const ir::Op& op) {
  if constexpr (sizeof(T) == 4) {
    return op.def->elementwise.f32;
  } else {
    return op.def->elementwise.f64;
  }
}

/// One operation of the run; its operands are absent, a tensor, or what flows.
template <class T>
struct Link {
  static constexpr size_t kNone = SIZE_MAX;

  Link(const ir::Op& o, const std::vector<const ir::Tensor*>& tensors, size_t flows, ir::ElemType s,
       const ir::Dims& result)
      : op(o), run(span_of<T>(o)), arith(o.policy), params(elementwise_params(o)), flowing(flows), storage(s) {
    for (const ir::Tensor* t : tensors) operands.push_back({t, Broadcast(t ? t->dims() : ir::Dims{}, result)});
  }

  struct Operand {
    const ir::Tensor* tensor;
    Broadcast where;
  };
  const ir::Op& op;
  SpanFn<T> run;
  num::Arith<T> arith;
  ElementwiseParams params;
  size_t flowing;
  ir::ElemType storage;  ///< of the operation's own result
  std::vector<Operand> operands;
};

/// Chunks of the output on one thread: where operands are widened or repeated, and the operands' addresses.
template <class T>
class Walker {
 public:
  Walker(const std::vector<Link<T>>& links, ir::Tensor& out) : links_(links), out_(out) {
    size_t count = 0;
    for (const Link<T>& link : links) count += link.operands.size();
    in_.resize(count);
    rooms_.reset(new T[(count + 1) * kChunk]);
  }

  void chunk(int64_t begin, size_t n) {
    T* const values = rooms_.get() + in_.size() * kChunk;
    size_t first = 0;
    for (const Link<T>& link : links_) {
      const bool last = &link == &links_.back();
      T* const results = last ? destination(out_, begin, values) : values;
      gather(link, first, begin, n, values);
      link.run(link.arith, link.params.values, in_.data() + first, results, n);
      if (last) {
        store(out_, begin, n, results, link.op.policy);
      } else {
        round_as_stored(values, n, link.storage, link.op.policy);
      }
      first += link.operands.size();
    }
    scalars_filled_ = std::max(scalars_filled_, n);
  }

 private:
  void gather(const Link<T>& link, size_t first, int64_t begin, size_t n, const T* values) {
    for (size_t i = 0; i < link.operands.size(); ++i) {
      const auto& [tensor, where] = link.operands[i];
      const T*& in = in_[first + i];
      if (i == link.flowing) {
        in = values;
      } else if (tensor && !(where.is_scalar() && n <= scalars_filled_)) {  // scalars are read once
        in = take(where, *tensor, begin, n, rooms_.get() + (first + i) * kChunk);
      }
    }
  }

  const std::vector<Link<T>>& links_;
  ir::Tensor& out_;
  std::vector<const T*> in_;
  std::unique_ptr<T[]> rooms_;
  size_t scalars_filled_ = 0;  ///< elements of the rooms that hold the scalars
};

template <class T>
void run(KernelContext& c) {
  const ir::Dims& result = c.out(0).dims();
  std::vector<Link<T>> links;
  links.emplace_back(c.op, c.inputs, Link<T>::kNone, c.storage_out(0), result);
  for (const EpilogueStep& step : c.epilogue)
    links.emplace_back(*step.op, step.operands, step.flowing, step.storage, result);
  for_each_chunk(c.threads, static_cast<size_t>(c.out(0).size()), [&](size_t from, size_t to) {
    Walker<T> walker(links, c.out(0));
    for (size_t begin = from; begin < to; begin += kChunk)
      walker.chunk(static_cast<int64_t>(begin), std::min(kChunk, to - begin));
  });
}

}  // namespace

Status eval_elementwise_run(KernelContext& c) {
  if (computes_float64(c)) {
    run<double>(c);
  } else {
    run<float>(c);
  }
  return {};
}

}  // namespace assay::ops
