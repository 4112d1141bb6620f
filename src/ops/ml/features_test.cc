// The operators of ai.onnx.ml that look elements up, replace or scale them.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/ml/map.h"
#include "ops/testing.h"

namespace assay::ops {
namespace {

using ir::ElemType;
using ir::Tensor;
using testing::doubles;
using testing::f32;
using testing::f64;
using testing::i64;
using testing::integers;
using testing::strings;
using Floats = std::vector<float>;
using Doubles = std::vector<double>;
using Words = std::vector<std::string>;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

testing::OneOp ml(std::string_view type) { return testing::OneOp(type, "ai.onnx.ml"); }
template <class Op>
Code code_of(Op&& op) {
  const auto result = op.try_run();
  return result.ok() ? Code::internal : result.error().code;
}

TEST(ArrayFeatureExtractor, LastAxis) {
  const Tensor x = f32({2, 3}, {0, 1, 2, 3, 4, 5});
  const Tensor y = ml("ArrayFeatureExtractor").in(x).in(i64({2}, {2, 0})).run();
  EXPECT_EQ(y.dims(), (ir::Dims{2, 2}));
  EXPECT_EQ(doubles(y), (Doubles{2, 0, 5, 3}));
  const Tensor row = ml("ArrayFeatureExtractor").in(strings({2}, {"a", "b"})).in(i64({1, 3}, {1, 1, 0})).run();
  EXPECT_EQ(row.dims(), (ir::Dims{1, 3}));
  EXPECT_EQ(row.strings(), (Words{"b", "b", "a"}));
  for (const int64_t bad : {int64_t{-1}, int64_t{3}, INT64_MAX})
    EXPECT_EQ(code_of(ml("ArrayFeatureExtractor").in(x).in(i64({1}, {bad}))), Code::value_range);
}

TEST(Binarizer, ComparesExactly) {
  EXPECT_EQ(doubles(ml("Binarizer").attr("threshold", 0.5f).in(f32({4}, {0.5f, 0.6f, -1, kNan})).run()),
            (Doubles{0, 1, 0, 0}));
  const int64_t big = (int64_t{1} << 53) + 1;
  EXPECT_EQ(integers(ml("Binarizer").attr("threshold", 0x1p53f).in(i64({3}, {big - 1, big, -5})).run()),
            (ir::Dims{0, 1, 0}));
  EXPECT_EQ(integers(ml("Binarizer").attr("threshold", -0.5f).in(i64({2}, {0, -1})).run()), (ir::Dims{1, 0}));
  EXPECT_EQ(integers(ml("Binarizer").attr("threshold", -INFINITY).in(i64({1}, {INT64_MIN})).run()), (ir::Dims{1}));
  EXPECT_EQ(integers(ml("Binarizer").attr("threshold", 0x1p63f).in(i64({1}, {INT64_MAX})).run()), (ir::Dims{0}));
}

TEST(Imputer, OneValueOrOneAFeature) {
  const Tensor x = f32({2, 2}, {1, kNan, kNan, 4});
  EXPECT_EQ(
      doubles(ml("Imputer").attr("replaced_value_float", kNan).attr("imputed_value_floats", Floats{8, 9}).in(x).run()),
      (Doubles{1, 9, 8, 4}));
  EXPECT_EQ(integers(ml("Imputer").attr("imputed_value_int64s", ir::Dims{7}).in(i64({3}, {0, 1, 0})).run()),
            (ir::Dims{7, 1, 7}));
  EXPECT_EQ(code_of(ml("Imputer").attr("imputed_value_floats", Floats{1, 2, 3}).in(x)), Code::model_invalid);
  EXPECT_FALSE(ml("Imputer").attr("imputed_value_int64s", ir::Dims{7}).in(x).infer().ok());
}

TEST(Scaler, TwoSteps) {
  const Tensor x = f32({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(doubles(ml("Scaler").attr("offset", Floats{1, 0.5f}).attr("scale", Floats{2}).in(x).run()),
            (Doubles{0, 3, 4, 7}));
  EXPECT_EQ(doubles(ml("Scaler").in(i64({2}, {3, -4})).run()), (Doubles{3, -4}));
  EXPECT_EQ(code_of(ml("Scaler").attr("scale", Floats{1, 2, 3}).in(x)), Code::model_invalid);
  const Tensor half = ml("Scaler").attr("scale", Floats{1 / 3.0f}).in(x).storage(ElemType::float16).run();
  EXPECT_EQ(half.elem(), ElemType::float16);
}

TEST(Normalizer, NormsOfRows) {
  const Tensor x = f32({3, 2}, {3, -4, 0, 0, -2, -1});
  EXPECT_EQ(doubles(ml("Normalizer").attr("norm", std::string("L2")).in(x).run())[0], 0.6f);
  EXPECT_EQ(doubles(ml("Normalizer").attr("norm", std::string("L2")).in(x).run())[1], -0.8f);
  EXPECT_EQ(doubles(ml("Normalizer").attr("norm", std::string("L1")).in(x).run()),
            (Doubles{3.0f / 7, -4.0f / 7, 0, 0, -2.0f / 3, -1.0f / 3}));
  EXPECT_EQ(doubles(ml("Normalizer").in(x).run()), (Doubles{1, -4.0f / 3, 0, 0, 2, 1}));
  EXPECT_FALSE(ml("Normalizer").attr("norm", std::string("L3")).in(x).infer().ok());
  EXPECT_FALSE(ml("Normalizer").in(f32({1, 1, 1}, {1})).infer().ok());
}

TEST(FeatureVectorizer, CutsAndFills) {
  const Tensor a = i64({2, 2}, {1, 2, 3, 4}), b = i64({2, 1}, {5, 6});
  const Tensor y = ml("FeatureVectorizer").attr("inputdimensions", ir::Dims{1, 2}).in(a).in(b).run();
  EXPECT_EQ(y.dims(), (ir::Dims{2, 3}));
  EXPECT_EQ(doubles(y), (Doubles{1, 5, 0, 3, 6, 0}));
  EXPECT_EQ(code_of(ml("FeatureVectorizer").attr("inputdimensions", ir::Dims{1, 1}).in(a).in(i64({1, 1}, {1}))),
            Code::model_invalid);
  for (const int64_t bad : {int64_t{-1}, INT64_MAX, int64_t{1} << 40})
    EXPECT_FALSE(ml("FeatureVectorizer").attr("inputdimensions", ir::Dims{bad, 2}).in(a).in(b).infer().ok());
}

TEST(OneHotEncoder, Categories) {
  const auto encode = [](Tensor x, int64_t zeros) {
    return ml("OneHotEncoder").attr("cats_int64s", ir::Dims{1, -1, 4}).attr("zeros", zeros).in(std::move(x));
  };
  const Tensor y = encode(f32({1, 3}, {1.9f, -1.5f, kNan}), 1).run();
  EXPECT_EQ(y.dims(), (ir::Dims{1, 3, 3}));
  EXPECT_EQ(doubles(y), (Doubles{1, 0, 0, 0, 1, 0, 0, 0, 0}));
  EXPECT_EQ(code_of(encode(i64({1}, {2}), 0)), Code::value_range);
  EXPECT_FALSE(encode(strings({1}, {"a"}), 1).infer().ok());
}

TEST(LabelEncoder, TypesDefaultsAndRepeatedKeys) {
  EXPECT_EQ(integers(ml("LabelEncoder")
                         .attr("keys_floats", Floats{1, kNan, 1, 0})
                         .attr("values_int64s", ir::Dims{4, 5, 6, 7})
                         .in(f32({5}, {1, 2, -kNan, -0.0f, 0}))
                         .run()),
            (ir::Dims{6, -1, 5, 7, 7}));
  EXPECT_EQ(ml("LabelEncoder")
                .attr("keys_int64s", ir::Dims{1})
                .attr("values_strings", Words{"a"})
                .in(i64({2}, {1, 2}))
                .run()
                .strings(),
            (Words{"a", "_Unused"}));
  const Tensor keys = testing::ints(ElemType::int16, {2}, {3, 4}), values = f64({2}, {0.1, 0.2});
  const Tensor y = ml("LabelEncoder")
                       .attr("keys_tensor", keys)
                       .attr("values_tensor", values)
                       .attr("default_tensor", f64({1}, {-1}))
                       .in(testing::ints(ElemType::int16, {3}, {4, 9, 3}))
                       .run();
  EXPECT_EQ(y.elem(), ElemType::float64);
  EXPECT_EQ(doubles(y), (Doubles{0.2, -1, 0.1}));
}

TEST(LabelEncoder, OldestVersion) {
  const auto encode = [](Tensor x) {
    return ml("LabelEncoder").opset(1).attr("classes_strings", Words{"a", "b"}).in(std::move(x)).run();
  };
  EXPECT_EQ(integers(encode(strings({2}, {"b", "c"}))), (ir::Dims{1, -1}));
  EXPECT_EQ(encode(i64({2}, {0, 2})).strings(), (Words{"a", "_Unused"}));
}

TEST(LabelEncoder, ContradictionsAreErrors) {
  const Tensor x = i64({1}, {1});
  EXPECT_FALSE(ml("LabelEncoder").in(x).infer().ok());
  EXPECT_FALSE(
      ml("LabelEncoder").attr("keys_int64s", ir::Dims{1}).attr("values_int64s", ir::Dims{1, 2}).in(x).infer().ok());
  EXPECT_FALSE(
      ml("LabelEncoder").attr("keys_strings", Words{"a"}).attr("values_int64s", ir::Dims{1}).in(x).infer().ok());
}

TEST(CategoryMapper, BothWays) {
  const auto map = [](Tensor x) {
    return ml("CategoryMapper")
        .attr("cats_strings", Words{"a", "b"})
        .attr("cats_int64s", ir::Dims{7, 8})
        .in(std::move(x))
        .run();
  };
  EXPECT_EQ(integers(map(strings({2}, {"b", "z"}))), (ir::Dims{8, -1}));
  EXPECT_EQ(map(i64({2}, {7, 1})).strings(), (Words{"a", "_Unused"}));
  EXPECT_FALSE(ml("CategoryMapper").attr("cats_strings", Words{"a"}).in(strings({1}, {"a"})).infer().ok());
}

// ---- Maps

Tensor map_tensor(Tensor keys, Tensor values) { return Tensor::of_items({std::move(keys), std::move(values)}); }

TEST(ZipMap, AMapARow) {
  const Tensor z = ml("ZipMap").attr("classlabels_strings", Words{"a", "b"}).in(f32({2, 2}, {1, 2, 3, 4})).run();
  ASSERT_EQ(z.items().size(), 2u);
  EXPECT_EQ(z.items()[1].items()[0].strings(), (Words{"a", "b"}));
  EXPECT_EQ(doubles(z.items()[1].items()[1]), (Doubles{3, 4}));
  EXPECT_EQ(code_of(ml("ZipMap").attr("classlabels_int64s", ir::Dims{1}).in(f32({1, 2}, {1, 2}))), Code::model_invalid);
}

TEST(DictVectorizer, OrderOfTheVocabulary) {
  const Tensor y = ml("DictVectorizer")
                       .attr("string_vocabulary", Words{"a", "c", "b"})
                       .in(map_tensor(strings({3}, {"b", "z", "a"}), f32({3}, {2, 3, 1})),
                           map_type(ElemType::string, ElemType::float32))
                       .run();
  EXPECT_EQ(y.dims(), (ir::Dims{1, 3}));
  EXPECT_EQ(doubles(y), (Doubles{1, 0, 2}));
  const Tensor text =
      ml("DictVectorizer")
          .attr("int64_vocabulary", ir::Dims{5, 6})
          .in(map_tensor(i64({1}, {6}), strings({1}, {"x"})), map_type(ElemType::int64, ElemType::string))
          .run();
  EXPECT_EQ(text.strings(), (Words{"", "x"}));
  EXPECT_FALSE(ml("DictVectorizer").attr("int64_vocabulary", ir::Dims{5}).in(f32({1}, {1})).infer().ok());
}

TEST(CastMap, DenseAndSparse) {
  const Tensor map = map_tensor(i64({3}, {5, 1, 3}), f32({3}, {1.5f, 2.5f, -1.25f}));
  const ir::Type type = map_type(ElemType::int64, ElemType::float32);
  EXPECT_EQ(doubles(ml("CastMap").in(map, type).run()), (Doubles{2.5, -1.25, 1.5}));
  EXPECT_EQ(integers(ml("CastMap").attr("cast_to", std::string("TO_INT64")).in(map, type).run()), (ir::Dims{2, -1, 1}));
  EXPECT_EQ(ml("CastMap").attr("cast_to", std::string("TO_STRING")).in(map, type).run().strings(),
            (Words{"2.5", "-1.25", "1.5"}));
  const auto sparse = [&](int64_t most) {
    return ml("CastMap").attr("map_form", std::string("SPARSE")).attr("max_map", most).in(map, type);
  };
  EXPECT_EQ(doubles(sparse(7).run()), (Doubles{0, 2.5, 0, -1.25, 0, 1.5, 0}));
  EXPECT_EQ(code_of(sparse(5)), Code::value_range);
  EXPECT_EQ(code_of(sparse(int64_t{1} << 60)), Code::model_invalid);
  EXPECT_EQ(code_of(ml("CastMap").in(map_tensor(i64({1}, {1}), strings({1}, {"x"})),
                                     map_type(ElemType::int64, ElemType::string))),
            Code::value_range);
}

}  // namespace
}  // namespace assay::ops
