// One result a row: the kernels with the support vectors times coefficients, + rho; without support vectors the
// features themselves times coefficients. Of a one-class machine only the sign is returned. ONNX names a
// post_transform, which ONNX Runtime leaves out, and so do we.
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/ml/svm.h"
#include "ops/ml/transforms.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

constexpr size_t kRowGrain = 16;

template <class T>
void run(KernelContext& c, const Rows& rows, const SvmKernel& kernel) {
  const std::vector<T> coefficients = numbers_of<T>(c.op, "coefficients"), rho = numbers_of<T>(c.op, "rho");
  const bool linear = c.op.attr_int("n_supports", 0) == 0, one_class = c.op.attr_int("one_class", 0) != 0;
  const SvmKernels<T> kernels(c.policy(), linear ? SvmKernel{} : kernel,
                              linear ? coefficients : numbers_of<T>(c.op, "support_vectors"),
                              static_cast<size_t>(rows.features));
  c.threads.for_each(static_cast<size_t>(rows.n), kRowGrain, [&](size_t begin, size_t end) {
    std::vector<T> buffer, scratch, k(kernels.size());
    for (auto r = static_cast<int64_t>(begin); r < static_cast<int64_t>(end); ++r) {
      kernels.run(load_row(c, rows, r, buffer), k.data(), scratch);
      T y = linear ? k[0] : weighted_sum(c.policy(), k, coefficients);
      y = kernels.arith().add(y, rho[0]);
      if (one_class) y = y > 0 ? T(1) : T(-1);
      store(c.out(0), r, 1, &y, c.policy());
    }
  });
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_TRY(const Rows rows, rows_of(c));
  ASSAY_TRY(const SvmKernel kernel, svm_kernel_of(c.op, "svmregressor_c1", c.graph.describe(c.op)));
  const int64_t supports = c.op.attr_int("n_supports", 0);
  const auto numbers =
      static_cast<int64_t>(c.op.attr_floats(supports == 0 ? "coefficients" : "support_vectors").size());
  if (numbers / std::max<int64_t>(supports, 1) != rows.features)
    return c.fail(Code::model_invalid, "X has " + std::to_string(rows.features) + " features, the machine " +
                                           std::to_string(numbers / std::max<int64_t>(supports, 1)));
  computes_float64(c) ? run<double>(c, rows, kernel) : run<float>(c, rows, kernel);
  return {};
}

Status infer(InferContext& c) {
  ASSAY_CHECK(svm_kernel_of(c.op(), "svmregressor_c1", c.where()));
  if (!transform_of(c.op())) return c.fail("svmregressor_c2", "post_transform is none that ONNX names");
  const auto coefficients = static_cast<int64_t>(c.op().attr_floats("coefficients").size());
  const auto numbers = static_cast<int64_t>(c.op().attr_floats("support_vectors").size());
  const int64_t supports = c.op().attr_int("n_supports", 0);
  if (coefficients == 0 || c.op().attr_floats("rho").empty())
    return c.fail("svmregressor_c3", "coefficients or rho are missing");
  if (supports < 0 || (supports > 0 && (coefficients != supports || numbers == 0 || numbers % supports != 0)))
    return c.fail("svmregressor_c4", std::to_string(supports) + " support vectors, but " +
                                         std::to_string(coefficients) + " coefficients and " + std::to_string(numbers) +
                                         " numbers of vectors");
  ASSAY_TRY(const ir::Dim n, row_count(c, "svmregressor_c5"));
  c.set(0, ir::ElemType::float32, std::vector<ir::Dim>{n, 1});
  return {};
}

constexpr In kIn[] = {{"X", kFeatures}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"coefficients", "-"}, {"kernel_params", "-"},  {"kernel_type", "LINEAR"},
                              {"n_supports", "0"},   {"one_class", "0"},      {"post_transform", "NONE"},
                              {"rho", "-"},          {"support_vectors", "-"}};

}  // namespace

extern const OpDef kSVMRegressor = {
    .domain = kMl,
    .name = "SVMRegressor",
    .doc = "Kernels of each row with support vectors, weighted and summed.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::composite,
    .accumulates = "products over features, then over support vectors",
    .elementary = kSvmFunctions,
    .infer = infer,
    .eval = eval,
    .to_mil = {nullptr, "no operator compares with support vectors"},
    .to_nn = {nullptr, "no operator compares with support vectors"},
    .bound = {.f32 = 256},
};

}  // namespace assay::ops
