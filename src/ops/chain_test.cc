// Products of one row with a matrix against the scalar definition, bit for bit.
#include "ops/chain.h"

#include <cstring>

#include "ops/contraction/run_op_test.h"

namespace assay::ops {
namespace {

using contraction::Fill;
using contraction::on_every_path;
using contraction::random_tensor;
using ir::Tensor;

template <class T>
std::vector<T> numbers(const Tensor& t) {
  std::vector<T> out;
  for (int64_t i = 0; i < t.size(); ++i) out.push_back(static_cast<T>(t.float_at(i)));
  return out;
}

template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

/// Rows [first, first + count) of the matrix, each dotted with x by definition.
template <class T>
std::vector<T> defined(const num::Policy& policy, const Tensor& matrix, const Tensor& x, size_t first, size_t count) {
  const auto k = static_cast<size_t>(x.size());
  const std::vector<double> m = numbers<double>(matrix), v = numbers<double>(x);
  std::vector<T> out;
  for (size_t j = first; j < first + count; ++j)
    out.push_back(static_cast<T>(num::dot_reference(policy, v.data(), m.data() + j * k, k)));
  return out;
}

template <class T>
void check(num::Policy policy) {
  policy.compute = sizeof(T) == 4 ? num::FormatId::float32 : num::FormatId::float64;
  std::mt19937 random(21);
  for (const auto& [n, k] : {std::pair<int64_t, int64_t>{1, 1}, {5, 3}, {37, 8}, {70, 29}, {16, 0}}) {
    for (const Fill fill : {Fill::normal, Fill::wild}) {
      const Tensor matrix = random_tensor(random, {n, k}, fill), x = random_tensor(random, {k}, fill);
      const auto rows = static_cast<size_t>(n), columns = static_cast<size_t>(k);
      const size_t first = rows / 3, count = rows - first;
      const std::vector<T> want = defined<T>(policy, matrix, x, first, count);
      on_every_path([&](int) {
        std::vector<T> got(count), room, row = numbers<T>(x), values = numbers<T>(matrix);
        RowProducts<T>(policy, values.data(), rows, columns).run(row.data(), first, count, got.data(), room);
        EXPECT_TRUE(same(got, want)) << n << " by " << k;
        std::vector<T> turned(values.size());
        for (size_t j = 0; j < rows; ++j)
          for (size_t i = 0; i < columns; ++i) turned[i * rows + j] = values[j * columns + i];
        std::vector<T> all(rows);
        ColumnProducts<T>(policy).run(row.data(), turned.data(), columns, rows, all.data(), room);
        EXPECT_TRUE(same(std::vector<T>(all.begin() + static_cast<ptrdiff_t>(first), all.end()), want));
      });
    }
  }
  ASSERT_TRUE(num::force_isa(num::Isa::best).ok());
}

TEST(Chain, ProductsAreTheDefinition) {
  check<float>({});
  check<double>({});
}

TEST(Chain, ProductsOfRoundedOperandsAndStepsAreTheDefinition) {
  num::Policy operands;
  operands.operand = {.format = num::format(num::FormatId::bfloat16)};
  check<float>(operands);
  num::Policy steps;
  steps.accumulator.step = {.format = num::format(num::FormatId::float16)};
  check<float>(steps);
}

}  // namespace
}  // namespace assay::ops
