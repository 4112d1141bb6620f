#include "ops/contraction/epilogue.h"

#include <algorithm>

#include "ops/contraction/finish_span.h"
#include "ops/elementwise.h"

namespace assay::ops::contraction {
namespace {

template <class T>
SpanFn<T> span_of(const OpDef& def) {
  if constexpr (sizeof(T) == 4) {
    return def.elementwise.f32;
  } else {
    return def.elementwise.f64;
  }
}

constexpr size_t kOperandSlot = 3;  // scratch() slot of bias and operands

template <class T>
constexpr ir::ElemType kOwn = sizeof(T) == 4 ? ir::ElemType::float32 : ir::ElemType::float64;

/// Whether round_as_stored() does anything.
template <class T>
bool rounds_as_stored(ir::ElemType storage, const num::Policy& policy) {
  return policy.result || storage != kOwn<T>;
}

/// One value a row becomes `columns` of them, in place.
template <class T>
void repeat_each(T* values, size_t rows, size_t columns) {
  if (columns == 1) return;
  for (size_t r = rows; r-- > 0;) std::fill_n(values + r * columns, columns, values[r]);
}

}  // namespace

template <class T>
Epilogue<T>::Epilogue(KernelContext& c, size_t m, size_t n, Channels channels, size_t channel_count)
    : context_(c),
      policy_(c.policy()),
      m_(m),
      n_(n),
      channels_(channels),
      channel_count_(channel_count),
      own_(c.storage_out(0)),
      rounds_(rounds_as_stored<T>(own_, policy_)),
      plain_(!policy_.step && !policy_.flush_subnormals && policy_.special_values == num::SpecialValues::ieee),
      arith_(policy_) {
  for (const EpilogueStep& step : c.epilogue) {
    Step s{&step, num::Arith<T>(step.op->policy), elementwise_params(*step.op), span_of<T>(*step.op->def), 0, {}};
    for (size_t i = 0; i < step.operands.size(); ++i) {
      if (step.operands[i] && step.operands[i]->dims() == c.outputs[0].dims()) s.whole |= 1U << i;
    }
    if (step.op->def->elementwise.per_channel != 0) s.terms = channel_terms(s);
    settle(s);
    steps_.push_back(std::move(s));
  }
}

template <class T>
void Epilogue<T>::settle(Step& s) {
  const EpilogueStep& step = *s.step;
  s.rounds = rounds_as_stored<T>(step.storage, step.op->policy);
  s.alone = s.terms.empty() && step.operands.size() <= kMostNumbers;
  for (size_t i = 0; i < step.operands.size() && s.alone; ++i) {
    const ir::Tensor* t = step.operands[i];
    if (!t) continue;
    s.alone = t->size() == 1 && (step.op->def->elementwise.first_only >> i & 1U) != 0;
    if (s.alone) widen<T>(t->bytes(), t->elem(), 0, 1, &s.numbers[i]);
  }
}

template <class T>
void Epilogue<T>::set_addend(const Addend& addend) {
  addend_ = addend;
  const bool own = addend.tensor && addend.tensor->elem() == kOwn<T> && addend.tensor->is_aligned();
  addends_ = own && addend.beta == 1 ? reinterpret_cast<const T*>(addend.tensor->bytes()) : nullptr;
}

template <class T>
bool Epilogue<T>::starts() const {
  return addend_.tensor && policy_.bias == num::Bias::first && alpha_ == 1 && addend_.beta == 1;
}

template <class T>
void Epilogue<T>::start(size_t batch, size_t m, size_t n, size_t count, T* values) const {
  const size_t at = batch % addend_.batches * addend_.per_batch + m * addend_.per_row + n * addend_.per_column;
  const ir::Tensor& t = *addend_.tensor;
  widen<T>(t.bytes(), t.elem(), at, addend_.per_column ? count : 1, values);
  if (!addend_.per_column) std::fill(values, values + count, values[0]);
}

template <class T>
void Epilogue<T>::add_bias(const Run& run, T* values) const {
  const size_t at =
      run.batch % addend_.batches * addend_.per_batch + run.m * addend_.per_row + run.n * addend_.per_column;
  const ir::Tensor& t = *addend_.tensor;
  const size_t count = run.count();
  size_t terms = addend_.per_column ? count : run.rows;
  if (addends_ && plain_ && run.rows == 1)
    return addend_.per_column ? add_run(values, addends_ + at, count) : add_one(values, addends_[at], count);
  T* bias = scratch<T>(kOperandSlot, count);
  widen<T>(t.bytes(), t.elem(), at, terms, bias);
  if (addend_.beta != 1) arith_.mul(bias, static_cast<T>(addend_.beta), bias, terms);
  if (run.rows > 1) {
    repeat_each(bias, run.rows, run.columns);
    terms = count;
  }
  if (!plain_) {
    if (terms == 1) {
      arith_.add(values, bias[0], values, count);
    } else {
      arith_.add(values, bias, values, count);
    }
  } else if (terms == 1) {
    add_one(values, bias[0], count);
  } else {
    add_run(values, bias, count);
  }
}

template <class T>
std::vector<T> Epilogue<T>::channel_terms(const Step& s) {
  const Elementwise& rows = s.step->op->def->elementwise;
  std::vector<std::vector<T>> rooms(s.step->operands.size());
  std::vector<const T*> in(rooms.size());
  size_t channels = 0;
  for (size_t i = 0; i < rooms.size(); ++i) {
    const ir::Tensor* t = s.step->operands[i];
    if (!t) continue;
    channels = static_cast<size_t>(t->size());
    rooms[i].resize(channels);
    in[i] = load(*t, 0, channels, rooms[i].data());
  }
  std::vector<T> terms(2 * channels);
  if constexpr (sizeof(T) == 4) {
    rows.channel_f32(s.arith, s.params.values, in.data(), terms.data(), channels);
  } else {
    rows.channel_f64(s.arith, s.params.values, in.data(), terms.data(), channels);
  }
  return terms;
}

template <class T>
void Epilogue<T>::run_step(const Step& s, const Run& run, const T* values, T* results) const {
  const EpilogueStep& step = *s.step;
  const size_t channel = channel_count_ ? (run.batch * m_ + run.m) % channel_count_ : 0, count = run.count();
  if (!s.terms.empty()) {
    const T *first = s.terms.data() + channel, *second = first + s.terms.size() / 2;
    for (size_t r = 0, at = 0; r < run.rows; ++r, at += run.columns) {
      const T* in[] = {values + at, first + r, second + r};
      s.run(s.arith, s.params.values, in, results + at, run.columns);
    }
    return;
  }
  const size_t inputs = step.operands.size();
  if (s.alone) {
    const T* in[kMostNumbers];
    for (size_t i = 0; i < inputs; ++i) in[i] = i == step.flowing ? values : step.operands[i] ? &s.numbers[i] : nullptr;
    return s.run(s.arith, s.params.values, in, results, count);
  }
  thread_local std::vector<const T*> in;
  in.assign(inputs, nullptr);
  T* const rooms = scratch<T>(kOperandSlot, inputs * count);
  for (size_t i = 0; i < inputs; ++i) {
    if (i == step.flowing) {
      in[i] = values;
      continue;
    }
    const ir::Tensor* t = step.operands[i];
    if (!t) continue;
    T* room = rooms + i * count;
    const auto size = static_cast<size_t>(t->size());
    const bool whole = (s.whole >> i & 1U) != 0;
    if (whole || (size > 1 && channels_ == Channels::columns)) {
      in[i] = load(*t, static_cast<int64_t>(whole ? begin_of(run) : run.n), count, room);
    } else if (size > 1 && run.rows > 1) {
      widen<T>(t->bytes(), t->elem(), channel, run.rows, room);
      repeat_each(room, run.rows, run.columns);
      in[i] = room;
    } else {
      widen<T>(t->bytes(), t->elem(), size == 1 ? 0 : channel, 1, room);
      if (!(step.op->def->elementwise.first_only >> i & 1U)) std::fill(room, room + count, room[0]);
      in[i] = room;
    }
  }
  s.run(s.arith, s.params.values, in.data(), results, count);
}

template <class T>
void Epilogue<T>::finish(const Run& run, T* values) const {
  const size_t count = run.count();
  if (alpha_ != 1) arith_.mul(values, static_cast<T>(alpha_), values, count);
  ir::Tensor& out = context_.outputs[0];
  const bool bias = addend_.tensor && !starts();
  if (bias && policy_.bias != num::Bias::after_store) {
    add_bias(run, values);
  } else {
    canonical_nans(values, count);
    if (bias) {
      if (rounds_) round_as_stored(values, count, own_, policy_);
      add_bias(run, values);
    }
  }
  const auto begin = static_cast<int64_t>(begin_of(run));
  if (steps_.empty()) return store(out, begin, count, values, policy_);
  if (rounds_) round_as_stored(values, count, own_, policy_);
  for (const Step& step : steps_) {
    const bool last = &step == &steps_.back();
    T* const results = last ? destination(out, begin, values) : values;
    run_step(step, run, values, results);
    if (last) return store(out, begin, count, results, step.step->op->policy);
    if (step.rounds) round_as_stored(values, count, step.step->storage, step.step->op->policy);
  }
}

template <class T>
void Epilogue<T>::row(size_t batch, size_t m, size_t n, size_t count, T* values) const {
  finish({batch, m, n, 1, count}, values);
}

template <class T>
void Epilogue<T>::rows(size_t batch, size_t m, size_t rows, T* values) const {
  finish({batch, m, 0, rows, n_}, values);
}

template <class T>
bool Epilogue<T>::takes_rows() const {
  const bool simple = !addend_.tensor || (addend_.per_row == 1 && addend_.per_column == 0);
  return simple && !starts() && channels_ == Channels::rows;
}

template class Epilogue<float>;
template class Epilogue<double>;

}  // namespace assay::ops::contraction
