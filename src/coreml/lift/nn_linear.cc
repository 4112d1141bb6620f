// Matrix products and tables of vectors.
#include "coreml/lift/nn_axes.h"
#include "coreml/lift/nn_tables.h"

namespace assay::coreml {
namespace {

/// Weights quantised for products of integers: what is computed here is the product of the unquantised blob.
void warn_if_dynamic(NnLift& c) {
  if (c.params().integer("int8DynamicQuantize") == 0) return;
  c.warn(Code::not_modelled,
         "its input is quantised to int8 at run time in a way that is not published; it is computed unquantised");
}

/// x w' + b over the last axis, whatever stands before it. One operation, so that storage rounds once.
ValueId product(NnLift& c, ValueId x, ValueId w, ValueId b) {
  const ValueId y = c.op("Gemm", {one_batch_axis(c, x, 1), w, b}, {{"transB", int64_t{1}}});
  return batch_axes_of(c, y, x, 1);
}

/// Over the last axis for up to three axes; over the last three, flattened, for more.
void lift_inner_product(NnLift& c) {
  const mil::Message& p = c.params();
  const int64_t in = p.integer("inputChannels"), out = p.integer("outputChannels");
  warn_if_dynamic(c);
  const ValueId w = c.weights("weights", {out, in});
  const ValueId b = p.integer("hasBias") != 0 ? c.weights("bias", {out}) : ir::kNoValue;
  const ValueId x = c.in(0);
  const int64_t rank = rank_of(c, x, 1);
  if (rank <= 3) return c.result(product(c, x, w, b));
  // [.., C, H, W] with C H W = in becomes [.., in] for the product and [.., out, 1, 1] behind it.
  ir::Dims dims(static_cast<size_t>(rank - 3), 0);
  dims.push_back(-1);
  c.result(c.unsqueeze(product(c, c.op("Reshape", {x, c.ints(dims)}), w, b), {-2, -1}));
}

/// The last two axes exchanged.
ValueId transposed(NnLift& c, ValueId x) {
  ir::Dims perm;
  for (int64_t i = 0; i < rank_of(c, x, 2); ++i) perm.push_back(i);
  if (perm.size() >= 2) std::swap(perm[perm.size() - 2], perm[perm.size() - 1]);
  return c.transpose(x, perm);
}

/// Two blobs as NumPy multiplies them, but axes that were added to vectors stay; or a blob and a matrix that the file
/// has transposed.
void lift_batched_matmul(NnLift& c) {
  const mil::Message& p = c.params();
  ValueId a = c.in(0);
  if (c.input_count() == 1) {
    const int64_t in = p.integer("weightMatrixFirstDimension"), out = p.integer("weightMatrixSecondDimension");
    warn_if_dynamic(c);
    const ValueId w = c.weights("weights", {out, in});
    return c.result(product(c, a, w, p.integer("hasBias") != 0 ? c.weights("bias", {out}) : ir::kNoValue));
  }
  ValueId b = c.in(1);
  if (rank_of(c, a) == 1) a = c.unsqueeze(a, {0});
  if (rank_of(c, b) == 1) b = c.unsqueeze(b, {1});
  if (p.integer("transposeA") != 0) a = transposed(c, a);
  if (p.integer("transposeB") != 0) b = transposed(c, b);
  c.result(c.op("MatMul", {a, b}));
}

/// Rows of the table that the file has as columns.
ValueId lookup(NnLift& c, ValueId x, int64_t vocabulary, int64_t size) {
  const ValueId table = c.transpose(c.weights("weights", {size, vocabulary}), {1, 0});
  const ValueId y = c.op("Gather", {table, c.indices(x)}, {{"axis", int64_t{0}}});
  return c.params().integer("hasBias") == 0 ? y : c.op("Add", {y, c.weights("bias", {size})});
}

/// [.., 1, 1, 1] becomes [.., size, 1, 1].
void lift_embedding(NnLift& c) {
  const mil::Message& p = c.params();
  rank_of(c, c.in(0), 3);
  const ValueId x = c.squeeze(c.in(0), {-3, -2, -1});
  c.result(c.unsqueeze(lookup(c, x, p.integer("inputDim"), p.integer("outputChannels")), {-2, -1}));
}

/// [.., 1] becomes [.., size].
void lift_embedding_nd(NnLift& c) {
  const mil::Message& p = c.params();
  rank_of(c, c.in(0), 2);
  c.result(lookup(c, c.squeeze(c.in(0), {-1}), p.integer("vocabSize"), p.integer("embeddingSize")));
}

/// Over the channels of [.., C, 1, 1].
void lift_dot(NnLift& c) {
  ValueId a = c.in(0), b = c.in(1);
  if (c.params().integer("cosineSimilarity") != 0) {
    a = c.op("LpNormalization", {a}, {{"axis", int64_t{-3}}});
    b = c.op("LpNormalization", {b}, {{"axis", int64_t{-3}}});
  }
  rank_of(c, a, 3);
  const ValueId row = c.unsqueeze(c.squeeze(a, {-2, -1}), {-2});
  c.result(c.unsqueeze(c.op("MatMul", {row, c.squeeze(b, {-1})}), {-1}));
}

constexpr NnRow kRows[] = {
    {"batchedMatmul", lift_batched_matmul}, {"dot", lift_dot},
    {"embedding", lift_embedding},          {"embeddingND", lift_embedding_nd},
    {"innerProduct", lift_inner_product},
};

}  // namespace

std::span<const NnRow> nn_linear_rows() { return kRows; }

}  // namespace assay::coreml
