// Running a policy on cases, and measuring the distance of what it gives from what was recorded.
#include <algorithm>
#include <bit>
#include <cmath>

#include "audit/compare.h"
#include "audit/fingerprint/fit.h"
#include "audit/metrics/counts.h"
#include "base/hash.h"
#include "base/text.h"
#include "ir/text.h"

namespace assay::audit {
namespace {

/// Numbers of a format in order: neighbours are 1 apart, both zeros are 0.
int64_t place_of(double x, bool wide) {
  if (wide) {
    const auto bits = std::bit_cast<int64_t>(x);
    return bits >= 0 ? bits : -(bits & INT64_MAX);
  }
  const auto bits = std::bit_cast<int32_t>(static_cast<float>(x));
  return bits >= 0 ? bits : -static_cast<int64_t>(bits & INT32_MAX);
}

/// How distances are counted: in steps of the lattice that the recorded values lie on.
struct Scale {
  bool wide = false;  ///< float64
  int shift = 0;      ///< a step is 2^shift neighbours

  Scale(const ir::Tensor& observed, const LatticeCounts& counts) : wide(observed.elem() == ir::ElemType::float64) {
    const auto format = counts.verdict().format;
    const int own = wide ? 52 : 23;
    if (format) shift = std::max(0, own - num::format(*format).significand_bits);
  }

  uint64_t steps(double a, double b) const {
    const int64_t left = place_of(a, wide), right = place_of(b, wide);
    const auto apart = static_cast<uint64_t>(left) - static_cast<uint64_t>(right);
    const uint64_t distance = left > right ? apart : ~apart + 1;
    return (distance + (uint64_t{1} << shift) - 1) >> shift;
  }
};

constexpr uint64_t kUnlikeBits = 34;  // a NaN for a number

void add(ArrayFit& fit, const Scale& scale, double seen, double given, int64_t at) {
  ++fit.elements;
  if (std::isnan(seen) && std::isnan(given)) {
    ++fit.equal;
    return;
  }
  if (seen == given) {
    const bool same = std::signbit(seen) == std::signbit(given);
    fit.equal += same ? 1 : 0;
    fit.cost_bits += same ? 0 : 1;
    return;
  }
  const bool unlike = std::isnan(seen) || std::isnan(given);
  const uint64_t steps = unlike ? kNoSteps : scale.steps(seen, given);
  fit.cost_bits += unlike ? kUnlikeBits : 1 + static_cast<uint64_t>(std::bit_width(steps));
  fit.worst_steps = std::max(fit.worst_steps, steps);
  const double apart = unlike ? INFINITY : std::abs(seen - given);
  if (fit.worst < 0 || apart > fit.max_abs) {
    fit.max_abs = apart;
    fit.worst = at;
  }
}

/// Whether `narrow` lies on a format narrower than its own of which most values of `other` are off.
bool apart(const LatticeCounts& narrow, const LatticeCounts& other) {
  const auto format = narrow.verdict().format;
  const auto at = std::ranges::find(num::kLatticeCandidates, format.value_or(num::FormatId::float64));
  return at != num::kLatticeCandidates.end() && *at != num::FormatId::float32 &&
         2 * other.off[static_cast<size_t>(at - num::kLatticeCandidates.begin())] > other.counted;
}

/// Axes of one element apart, which runtimes add and drop: the elements stand in the same order.
bool same_shape(ir::Dims a, ir::Dims b) {
  std::erase(a, 1);
  std::erase(b, 1);
  return a == b;
}

Result<ArrayFit> fit_of(const FitCase& one, const NamedArray& observed, const LatticeCounts& lattice,
                        const ir::Tensor& given) {
  ArrayFit fit{.name = observed.name};
  if (!same_shape(given.dims(), observed.tensor.dims()))
    return Error{Code::data_shape,
                 "output '" + observed.name + "' is " + ir::to_string(observed.tensor.dims()) +
                     " in the recording, and the model gives " + ir::to_string(given.dims()),
                 one.name.empty() ? observed.name : one.name,
                 one.name.empty()
                     ? "give the inputs that the outputs were recorded with, and outputs with the model's axes"
                     : "record the probes again, as `assay probe make` writes them"};
  LatticeCounts own;
  add_lattice(own, given);
  fit.other_format = apart(lattice, own) || apart(own, lattice);
  const Scale scale(observed.tensor, lattice);
  for (int64_t i = 0; i < given.size(); ++i) add(fit, scale, observed.tensor.float_at(i), given.float_at(i), i);
  return fit;
}

uint64_t signature_of(const Arrays& arrays) {
  Hash hash;
  for (const NamedArray& array : arrays)
    for (int64_t i = 0; i < array.tensor.size(); ++i) {
      const double x = array.tensor.float_at(i);
      hash.word(std::isnan(x) ? UINT64_MAX : std::bit_cast<uint64_t>(x));
    }
  return hash.value();
}

uint64_t program_hash(const ir::Graph& resolved) {
  Hash hash;
  hash.add(ir::print(resolved, {.metadata = false}));
  return hash.value();
}

}  // namespace

std::string Hypothesis::label() const {
  const std::string from = profile + (variant.empty() || variant == "only" ? "" : "/" + variant);
  return changes.empty() ? from : from + " with " + join(changes, ", ");
}

Evaluator::Evaluator(std::vector<FitCase> cases, std::shared_ptr<const Threads> threads)
    : cases_(std::move(cases)), threads_(std::move(threads)) {
  for (const FitCase& one : cases_) {
    auto& lattices = lattices_.emplace_back(one.observed.size());
    for (size_t i = 0; i < lattices.size(); ++i) add_lattice(lattices[i], one.observed[i].tensor);
  }
}

uint64_t Evaluator::telling() const {
  uint64_t sum = 0;
  for (const auto& lattices : lattices_)
    for (const LatticeCounts& one : lattices) sum += one.counted;
  return sum;
}

bool Fit::other_format() const {
  const auto other = [](const ArrayFit& array) { return array.other_format; };
  return storage != Storage::fits ||
         std::ranges::any_of(cases, [&](const auto& one) { return std::ranges::any_of(one->arrays, other); });
}

Result<std::unique_ptr<backends::Program>> Evaluator::open(const std::shared_ptr<const backends::Model>& model,
                                                           const profiles::Variant& policy) const {
  profiles::Profile profile;  // resolved before this returns
  profile.name = policy.name;
  profile.storage = policy.storage.type;
  profile.variants.push_back(policy);
  return backends::EngineProgram::create(policy.name, model, {{&profile, 0, policy.name}}, threads_);
}

/// The arrays that were recorded.
Result<Arrays> Evaluator::run(backends::Program& program, const FitCase& one) {
  Warnings unsaid;  // said once, when the inputs were read
  ASSAY_TRY(const Arrays outputs, run_program(program, 0, one.inputs, unsaid));
  ++runs_;
  Arrays recorded;
  for (const NamedArray& observed : one.observed) {
    const ir::Tensor* given = find(outputs, observed.name);
    if (given == nullptr)
      return Error{Code::data_missing, "the model has no output '" + observed.name + "'", observed.name,
                   "record the outputs under the model's names"};
    recorded.push_back({observed.name, *given});
  }
  return recorded;
}

Result<std::shared_ptr<const CaseFit>> Evaluator::fit_case(const FitCase& one, const profiles::Variant& policy) {
  ASSAY_TRY(const auto program, open(one.model, policy));
  const auto index = static_cast<size_t>(&one - cases_.data());
  const auto key = std::pair(index, program_hash(*program->resolved(0)));
  if (const auto found = known_.find(key); found != known_.end()) return found->second;
  auto fit = std::make_shared<CaseFit>();
  fit->program = key.second;
  fit->storage = storage_of(*program->resolved(0), one.observed, lattices_[index]);
  fit->format_bits = format_bits_of(*program->resolved(0), one.observed, lattices_[index]);
  if (fit->storage != Storage::not_half || cases_.size() > 1) {
    ASSAY_TRY(const Arrays given, run(*program, one));
    for (size_t i = 0; i < given.size(); ++i) {
      ASSAY_TRY(ArrayFit array, fit_of(one, one.observed[i], lattices_[index][i], given[i].tensor));
      fit->arrays.push_back(std::move(array));
    }
    fit->signature = signature_of(given);
  }
  known_.emplace(key, fit);
  return std::shared_ptr<const CaseFit>(fit);
}

Result<std::vector<Arrays>> Evaluator::outputs(const profiles::Variant& policy,
                                               std::span<const std::shared_ptr<const backends::Model>> models) {
  std::vector<Arrays> all;
  for (size_t c = 0; c < cases_.size(); ++c) {
    ASSAY_TRY(const auto program, open(models.empty() ? cases_[c].model : models[c], policy));
    ASSAY_TRY(Arrays given, run(*program, cases_[c]));
    all.push_back(std::move(given));
  }
  return all;
}

Result<Fit> Evaluator::evaluate(const profiles::Variant& policy) {
  Fit whole;
  Hash signature, program;
  for (const FitCase& one : cases_) {
    ASSAY_TRY(auto fit, fit_case(one, policy));
    for (const ArrayFit& array : fit->arrays) {
      whole.elements += array.elements;
      whole.equal += array.equal;
      whole.cost_bits += array.cost_bits;
    }
    whole.storage = std::max(whole.storage, fit->storage);
    whole.format_bits += fit->format_bits;
    signature.word(fit->signature);
    program.word(fit->program);
    whole.cases.push_back(std::move(fit));
  }
  whole.signature = signature.value();
  whole.program = program.value();
  return whole;
}

}  // namespace assay::audit
