#include "audit/data.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "backends/data/npy.h"
#include "backends/provenance.h"

namespace assay::audit {
namespace {
using ir::Dim;
using ir::ElemType;
using ir::Tensor;
using ir::Type;

class DataTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("assay_data_" + std::to_string(::getpid()) +
                                                        testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string save(const std::string& name, std::string_view bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }
  std::string load(const std::string& name) const {
    std::ifstream in(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// A version 1 file with the header text padded as NumPy pads.
  std::string npy(const std::string& name, std::string text, std::string_view payload) const {
    text.append(64 - (10 + text.size() + 1) % 64, ' ');
    text += '\n';
    std::string bytes("\x93NUMPY\1\0", 8);
    bytes += static_cast<char>(text.size() & 0xff);
    bytes += static_cast<char>(text.size() >> 8);
    return save(name, bytes + text + std::string(payload));
  }
  std::filesystem::path folder_;
};

template <class T>
std::string raw(std::initializer_list<T> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}

Tensor floats(ir::Dims dims, std::vector<float> values) {
  return Tensor::of<float>(ElemType::float32, std::move(dims), values);
}

TEST_F(DataTest, NpyReadsWhatItWrites) {
  const Tensor t = floats({2, 3}, {1, 2, 3, 4, 5, -0.0f});
  ASSERT_TRUE(write_npy(path("a.npy"), t).ok());
  const auto back = read_npy(path("a.npy"));
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(ir::same_bits(*back, t));
}

TEST_F(DataTest, NpyColumnMajorAndBigEndian) {
  // Column-major [[1, 2, 3], [4, 5, 6]].
  const auto fortran = read_npy(
      npy("f.npy", "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", raw<float>({1, 4, 2, 5, 3, 6})));
  ASSERT_TRUE(fortran.ok());
  EXPECT_TRUE(ir::same_bits(*fortran, floats({2, 3}, {1, 2, 3, 4, 5, 6})));
  const auto big = read_npy(
      npy("b.npy", "{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }", raw<uint16_t>({0x0100, 0xfeff})));
  ASSERT_TRUE(big.ok());
  EXPECT_EQ(big->ints(), (ir::Dims{1, -2}));
}

TEST_F(DataTest, HostileNpyHeadersAreErrors) {
  const char* texts[] = {
      "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
      "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
      "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
      "{'descr': '<f3', 'fortran_order': False, 'shape': (1,), }",
      "{'descr': '<V2', 'fortran_order': False, 'shape': (2,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}",
      "{'descr': '<f4', 'fortran_order': False, }",
      "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)",
      "__import__('os')",
  };
  for (const char* text : texts) {
    const auto result = read_npy(npy("h.npy", text, raw<float>({1})));
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_EQ(result.error().code, Code::data_malformed) << text;
  }
  EXPECT_FALSE(read_npy(save("s.npy", "\x93NUMPY")).ok());
  EXPECT_FALSE(read_npy(save("e.npy", "")).ok());
  EXPECT_EQ(read_npy(path("none.npy")).error().code, Code::file_missing);
}

TEST_F(DataTest, NpzKeepsNamesTypesAndBits) {
  Tensor brain = Tensor::allocate(ElemType::bfloat16, {3});
  Tensor nibbles = Tensor::allocate(ElemType::int4, {3});
  std::memset(nibbles.mutable_bytes(), 0, nibbles.byte_size());
  for (int i = 0; i < 3; ++i) {
    brain.set_float(i, i + 0.5);
    nibbles.set_int(i, i - 8);
  }
  const Arrays arrays = {{"a/b:0", floats({1}, {0.1f})},
                         {"brain", brain},
                         {"nib=ble", nibbles},
                         {"text", Tensor::of_strings({2}, {"h\xc3\xa9", "x"})},
                         {"empty", floats({0, 3}, {})}};
  ASSERT_TRUE(write_npz(path("a.npz"), arrays).ok());
  const auto back = read_npz(path("a.npz"));
  ASSERT_TRUE(back.ok()) << back.error().message;
  ASSERT_EQ(names_of(*back), names_of(arrays));
  for (size_t i = 0; i < arrays.size(); ++i) EXPECT_TRUE(ir::same_bits((*back)[i].tensor, arrays[i].tensor)) << i;
  ASSERT_TRUE(write_npz(path("b.npz"), arrays).ok());
  EXPECT_EQ(load("a.npz"), load("b.npz"));
  EXPECT_TRUE(write_npz(path("a.npz"), *back).ok());  // what was read may be written while its arrays live
}

TEST_F(DataTest, DamagedNpzIsAnError) {
  ASSERT_TRUE(write_npz(path("a.npz"), {{"x", floats({4}, {1, 2, 3, 4})}}).ok());
  const std::string good = load("a.npz");
  for (size_t cut = 0; cut < good.size(); cut += 7) {
    const auto result = read_npz(save("cut.npz", good.substr(0, cut)));
    ASSERT_FALSE(result.ok()) << cut;
    EXPECT_EQ(result.error().code, Code::data_malformed);
  }
  std::string flipped = good;
  flipped[flipped.find("\n") + 3] ^= 1;
  EXPECT_FALSE(read_npz(save("flipped.npz", flipped)).ok());
}

TEST_F(DataTest, Labels) {
  const auto labels = [&](const char* text, const std::string& column = "") {
    return read_labels(save("y.csv", text) + column);
  };
  EXPECT_EQ(*labels("0\n1\n1\n"), (std::vector<int64_t>{0, 1, 1}));
  EXPECT_EQ(*labels("y\r\n0\r\n1"), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(*labels("name,label\n\"a,b\",3\n\"c\"\"d\",4\n"), (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(*labels("a,b\n1,2\n3,4\n", ":b"), (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(labels("a,b\n1,2\n", ":c").error().code, Code::data_malformed);
  EXPECT_EQ(labels("a,b\n1,2\n").error().code, Code::data_malformed);
  EXPECT_EQ(labels("label\n0.5\n").error().code, Code::data_malformed);
  const std::vector<int64_t> ints = {2, 0};
  ASSERT_TRUE(write_npy(path("y.npy"), Tensor::of_ints(ints)).ok());
  EXPECT_EQ(*read_labels(path("y.npy")), ints);
  ASSERT_TRUE(write_npy(path("f.npy"), floats({2}, {1, 0.5f})).ok());
  EXPECT_EQ(read_labels(path("f.npy")).error().code, Code::labels_value);
}

Port port(const std::string& name, std::vector<Dim> dims, ElemType elem = ElemType::float32) {
  return {name, Type::tensor(elem, std::move(dims))};
}

class OpenDataTest : public DataTest {
 protected:
  static constexpr int64_t kRows = 300, kEach = 1024;  // 1.2 MB: large enough to stay in the file
  void SetUp() override {
    DataTest::SetUp();
    std::vector<float> values(kRows * kEach);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * 0.5f;
    whole_ = floats({kRows, kEach}, values);
    ASSERT_TRUE(write_npz(path("x.npz"), {{"small", floats({3}, {1, 2, 3})}, {"large", whole_}}).ok());
  }
  Tensor whole_;
};

TEST_F(OpenDataTest, LargeArraysStayInTheirFileAndSmallOnesDoNot) {
  const auto opened = open_npz(path("x.npz")), read = read_npz(path("x.npz"));
  ASSERT_TRUE(opened.ok() && read.ok());
  EXPECT_EQ(find_array(*opened, "small")->file, nullptr);
  EXPECT_TRUE(ir::same_bits(*find(*opened, "small"), floats({3}, {1, 2, 3})));
  const NamedArray& large = *find_array(*opened, "large");
  ASSERT_NE(large.file, nullptr);
  EXPECT_EQ(find_array(*read, "large")->file, nullptr);
  for (const auto& [first, count] : {std::pair<size_t, size_t>{0, 1}, {7, 12}, {299, 1}, {0, 300}, {7, 12}}) {
    const auto part = backends::slice_samples(large, first, count, false);
    ASSERT_TRUE(part.ok());
    EXPECT_TRUE(part->is_aligned());
    EXPECT_TRUE(ir::same_bits(*part, backends::slice_samples(whole_, first, count, false)));
  }
  EXPECT_TRUE(ir::same_bits(*backends::in_memory(large), whole_));
}

TEST_F(OpenDataTest, SamplesAreCutFromTheFile) {
  const Port ports[] = {port("large", {Dim("N"), kEach})};
  const auto samples = Samples::create(*open_npz(path("x.npz")), ports);  // which keeps the file open
  ASSERT_TRUE(samples.ok());
  const auto part = samples->slice(41, 2);
  ASSERT_TRUE(part.ok());
  EXPECT_TRUE(ir::same_bits((*part)[0], backends::slice_samples(whole_, 41, 2, false)));
}

TEST_F(OpenDataTest, NpyFilesToo) {
  ASSERT_TRUE(write_npy(path("x.npy"), whole_).ok());
  const auto opened = open_npy(path("x.npy"));
  ASSERT_TRUE(opened.ok());
  EXPECT_NE(opened->file, nullptr);
  EXPECT_TRUE(
      ir::same_bits(*backends::slice_samples(*opened, 299, 1, true), backends::slice_samples(whole_, 299, 1, true)));
  const std::string columns = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }";
  const auto turned = open_npy(npy("f.npy", columns, raw<float>({1, 2, 3, 4})));
  ASSERT_TRUE(turned.ok());
  EXPECT_EQ(turned->file, nullptr);
  EXPECT_TRUE(ir::same_bits(turned->tensor, floats({2, 2}, {1, 3, 2, 4})));
}

TEST_F(OpenDataTest, DamageIsSeenWhenItIsOpened) {
  std::string bytes = load("x.npz");
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  save("x.npz", bytes);
  EXPECT_EQ(open_npz(path("x.npz")).error().code, Code::data_malformed);
}

TEST_F(OpenDataTest, AFileThatIsCutOffWhileItIsReadIsAnError) {
  const auto opened = open_npz(path("x.npz"));
  ASSERT_TRUE(opened.ok());
  std::filesystem::resize_file(path("x.npz"), 100);
  const auto part = backends::slice_samples(*find_array(*opened, "large"), 200, 1, false);
  ASSERT_FALSE(part.ok());
  EXPECT_EQ(part.error().code, Code::data_malformed);
  EXPECT_EQ(part.error().where, path("x.npz"));
}

TEST_F(OpenDataTest, WhatIsWantedWholeIsReadOnce) {
  const auto opened = open_npz(path("x.npz"));
  const NamedArray& large = *find_array(*opened, "large");
  const auto first = backends::in_memory(large), second = backends::in_memory(large);
  EXPECT_TRUE(ir::same_bits(*first, whole_));
  EXPECT_EQ(first->bytes(), second->bytes());
}

TEST_F(OpenDataTest, PiecesAreThoseOfTheArrayInMemory) {
  const auto collected = [](const NamedArray& array) {
    std::vector<std::string> pieces;
    EXPECT_TRUE(backends::for_each_piece(array, [&](std::span<const std::byte> piece) {
                  pieces.emplace_back(reinterpret_cast<const char*>(piece.data()), piece.size());
                }).ok());
    return pieces;
  };
  const auto opened = open_npz(path("x.npz"));
  const auto pieces = collected(*find_array(*opened, "large"));
  EXPECT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces, collected({"large", whole_}));
  for (const bool by_rows : {true, false})
    EXPECT_EQ(backends::hash_array(*find_array(*opened, "large"), by_rows, nullptr)->sha256,
              backends::hash_array({"large", whole_}, by_rows, nullptr)->sha256);
  std::filesystem::resize_file(path("x.npz"), 100);
  EXPECT_FALSE(backends::hash_array(*find_array(*opened, "large"), true, nullptr).ok());
  EXPECT_FALSE(backends::for_each_piece(*find_array(*opened, "large"), [](auto) {}).ok());
}

TEST_F(OpenDataTest, AFileThatIsReplacedIsReadAsItWas) {
  const auto opened = open_npz(path("x.npz"));
  ASSERT_TRUE(opened.ok());
  save("new", "another file");
  std::filesystem::rename(path("new"), path("x.npz"));
  EXPECT_TRUE(ir::same_bits(*backends::in_memory(*find_array(*opened, "large")), whole_));
}

TEST(Samples, SymbolicBatchTakesAnyNumber) {
  const Port ports[] = {port("x", {Dim("N"), 2})};
  const auto s = Samples::create({{"x", floats({3, 2}, {0, 1, 2, 3, 4, 5})}}, ports);
  ASSERT_TRUE(s.ok());
  EXPECT_EQ(s->count(), 3u);
  EXPECT_EQ(s->batch(), 0u);
  const auto part = *s->slice(1, 2);
  EXPECT_TRUE(ir::same_bits(part[0], floats({2, 2}, {2, 3, 4, 5})));
}

TEST(Samples, FixedBatchMissingAxisAndWhole) {
  const Arrays x = {{"x", floats({3, 2}, {0, 1, 2, 3, 4, 5})}};
  const Port one[] = {port("x", {1, 2})};
  EXPECT_EQ(Samples::create(x, one)->batch(), 1u);
  EXPECT_TRUE(ir::same_bits((*Samples::create(x, one)->slice(2, 1))[0], floats({1, 2}, {4, 5})));
  const Port none[] = {port("x", {2})};
  const auto no_axis = Samples::create(x, none);
  ASSERT_TRUE(no_axis.ok());
  EXPECT_FALSE(no_axis->has_sample_axis());
  EXPECT_TRUE(ir::same_bits((*no_axis->slice(2, 1))[0], floats({2}, {4, 5})));
  const Port two[] = {port("a", {2, 3}), port("b", {3, 1})};
  const auto whole =
      Samples::create({{"a", floats({2, 3}, std::vector<float>(6))}, {"b", floats({3, 1}, {1, 2, 3})}}, two);
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(whole->count(), 1u);
  EXPECT_EQ((*whole->slice(0, 1))[1].dims(), (ir::Dims{3, 1}));
}

TEST(Samples, OneSymbolIsOneNumberOfSamples) {
  const Port ports[] = {port("x", {Dim("N"), 2}), port("z", {Dim("N"), 2}), port("m", {Dim("M"), 2})};
  const auto rows = [](const std::string& name, int64_t n) {
    return NamedArray{name, floats({n, 2}, std::vector<float>(static_cast<size_t>(2 * n)))};
  };
  const auto other = Samples::create({rows("x", 4), rows("z", 5), rows("m", 4)}, ports);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, Code::data_shape);
  EXPECT_EQ(other.error().where, "z");
  EXPECT_NE(other.error().message.find("one number 'N'"), std::string::npos) << other.error().message;
  EXPECT_EQ(Samples::create({rows("x", 4), rows("z", 4), rows("m", 4)}, ports)->count(), 4u);
  const Arrays three = {rows("x", 4), rows("z", 4), rows("m", 3)};
  EXPECT_TRUE(Samples::create(three, ports)->whole());
  EXPECT_EQ(Samples::create(three, ports, Samples::Whole::refused).error().where,
            "m");  // four samples are never judged as one
}

TEST(Samples, FixedShapesBesideASymbolicBatchAreShared) {
  const std::vector<ir::Dims> shapes = {{2}, {1}, {1, 2}};
  for (const ir::Dims& shape : shapes) {
    const Port ports[] = {port("x", {Dim("N"), 2}), port("z", {shape.begin(), shape.end()})};
    const Tensor z = floats(shape, std::vector<float>(static_cast<size_t>(shape.back()), 7));
    const auto s = Samples::create({{"x", floats({8, 2}, std::vector<float>(16))}, {"z", z}}, ports);
    ASSERT_TRUE(s.ok()) << s.error().message;
    EXPECT_EQ(s->count(), 8u);
    EXPECT_EQ(s->batch(), 0u);
    EXPECT_TRUE(s->has_sample_axis());
    EXPECT_TRUE(ir::same_bits((*s->slice(3, 4))[1], z));
    EXPECT_EQ((*s->slice(3, 4))[0].dims(), (ir::Dims{4, 2}));
  }
}

TEST(Samples, WhatIsNoSampleOfManyIsBlamed) {
  const Tensor x = floats({8, 2}, std::vector<float>(16));
  const auto blamed = [&](std::vector<Dim> dx, std::vector<Dim> dz, const ir::Dims& z) {
    const Port ports[] = {port("x", std::move(dx)), port("z", std::move(dz))};
    int64_t n = 1;
    for (const int64_t d : z) n *= d;
    const Arrays arrays = {{"x", x}, {"z", floats(z, std::vector<float>(static_cast<size_t>(n)))}};
    const auto s = Samples::create(arrays, ports, Samples::Whole::refused);
    EXPECT_FALSE(s.ok());
    return s.ok() ? "" : s.error().where;
  };
  EXPECT_EQ(blamed({1, 2}, {2}, {2}), "z");
  EXPECT_EQ(blamed({1, 2}, {2, 2}, {2, 2}), "z");
  EXPECT_EQ(blamed({Dim("N"), 2}, {5}, {8}), "z");
  EXPECT_EQ(blamed({Dim("N"), 2}, {2, Dim("E")}, {2, 30}), "z");
  EXPECT_EQ(blamed({Dim("N"), 3}, {2}, {2}), "x");
}

TEST(Samples, EverySampleGetsWhatReplacesADefault) {
  Port ports[] = {port("x", {Dim("N"), 2}), port("w", {3})};
  const Arrays arrays = {{"x", floats({3, 2}, std::vector<float>(6))}, {"w", floats({3}, {1, 2, 3})}};
  ports[1].replaces_default = true;
  const auto s = Samples::create(arrays, ports);
  ASSERT_TRUE(s.ok());
  EXPECT_EQ(s->count(), 3u);
  EXPECT_EQ((*s->slice(1, 1))[0].dims(), (ir::Dims{1, 2}));
  EXPECT_EQ((*s->slice(1, 1))[1].dims(), (ir::Dims{3}));
  ports[1].type.shape = {{Dim("N")}};  // one value for each sample
  EXPECT_EQ((*Samples::create(arrays, ports)->slice(1, 1))[1].dims(), (ir::Dims{1}));
}

TEST(Samples, ErrorsNameBothSides) {
  const Port ports[] = {port("input", {Dim("N"), 2})};
  const auto missing = Samples::create({{"inpot", floats({1, 2}, {0, 1})}}, ports);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, Code::data_missing);
  EXPECT_NE(missing.error().message.find("inpot"), std::string::npos);
  EXPECT_NE(missing.error().fix.find("inpot"), std::string::npos);
  const auto shape = Samples::create({{"input", floats({1, 3}, {0, 1, 2})}}, ports);
  EXPECT_EQ(shape.error().code, Code::data_shape);
  EXPECT_NE(shape.error().message.find("[1,3]"), std::string::npos);
  const auto type = Samples::create({{"input", Tensor::of_ints({1, 2})}}, ports);
  EXPECT_EQ(type.error().code, Code::data_type);
}

TEST(RandomInputs, DependOnSeedOnly) {
  const Port ports[] = {port("x", {Dim("N"), 3}), port("ids", {Dim("N")}, ElemType::int64)};
  const auto a = random_inputs(ports, 7, {{"N", 2}});
  const auto b = random_inputs(ports, 7, {{"N", 2}});
  ASSERT_TRUE(a.ok());
  EXPECT_EQ((*a)[0].tensor.dims(), (ir::Dims{2, 3}));
  EXPECT_TRUE(ir::same_bits((*a)[0].tensor, (*b)[0].tensor));
  EXPECT_FALSE(ir::same_bits((*a)[0].tensor, (*random_inputs(ports, 8, {{"N", 2}}))[0].tensor));
  for (int64_t i = 0; i < 6; ++i) EXPECT_LE(std::abs((*a)[0].tensor.float_at(i)), 1);
  EXPECT_EQ((*random_inputs(ports, 7, {}))[0].tensor.dims(), (ir::Dims{1, 3}));
}

TEST(MatchPorts, ByNameThenByOrder) {
  Warnings warnings;
  const std::string ab[] = {"a", "b"}, ba[] = {"b", "a"}, cd[] = {"c", "d"}, c[] = {"c"};
  EXPECT_EQ(*match_ports(ab, ba, "outputs", "p", warnings), (std::vector<size_t>{1, 0}));
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(*match_ports(ab, cd, "outputs", "p", warnings), (std::vector<size_t>{0, 1}));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].code, Code::matched_by_order);
  EXPECT_EQ(match_ports(ab, c, "outputs", "p", warnings).error().code, Code::data_missing);
}

}  // namespace
}  // namespace assay::audit
