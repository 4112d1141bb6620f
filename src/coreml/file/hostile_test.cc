// Files that lie: each is an error with the right code, never a crash (run under asan and ubsan too).
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coreml/file/manifest.h"
#include "coreml/file/testing.h"

namespace assay::coreml {
namespace {
using namespace testing;

Code code_of_file(const std::string& bytes) {
  const Folder folder;
  return code_of(read_model(folder.write("m.mlmodel", bytes)));
}

/// A program with one constant of four float32 that stands at `offset` of these weights.
Code code_of_weights(const std::string& weights, uint64_t offset = 64, int type = 11, uint64_t count = 4,
                     const std::string& file = "@model_path/weights/weight.bin") {
  const std::string t = tensor(type, {count});
  const Folder folder;
  return code_of(
      read_model(folder.package(program_model(str(3, const_op("w", t, blob_value(t, offset, file)))), weights)));
}

const std::string kData = raw<float>({1, 2, 3, 4});
const std::string kGood = header(1) + record(2, 16, 128) + kData;

TEST(Hostile, Weights) {
  EXPECT_EQ(code_of_weights(kGood), Code{});
  EXPECT_EQ(code_of_weights(""), Code::coreml_weights);
  EXPECT_EQ(code_of_weights(kGood.substr(0, 63)), Code::coreml_weights);
  EXPECT_EQ(code_of_weights(kGood.substr(0, 127)), Code::coreml_weights);                    // half a record
  EXPECT_EQ(code_of_weights(kGood.substr(0, 143)), Code::coreml_weights);                    // half the data
  EXPECT_EQ(code_of_weights(at(kGood, 4, raw<uint32_t>({1}))), Code::coreml_weights);        // the old layout
  EXPECT_EQ(code_of_weights(kGood, 0), Code::coreml_weights);                                // the header
  EXPECT_EQ(code_of_weights(kGood, 65), Code::coreml_weights);                               // not aligned
  EXPECT_EQ(code_of_weights(kGood, 128), Code::coreml_weights);                              // beyond the end
  EXPECT_EQ(code_of_weights(kGood, ~uint64_t{63}), Code::coreml_weights);                    // wraps
  EXPECT_EQ(code_of_weights(kGood, 64, 10), Code::coreml_weights);                           // another type
  EXPECT_EQ(code_of_weights(kGood, 64, 2), Code::coreml_weights);                            // strings
  EXPECT_EQ(code_of_weights(kGood, 64, 11, 5), Code::coreml_weights);                        // another size
  EXPECT_EQ(code_of_weights(kGood, 64, 11, uint64_t{1} << 62), Code::coreml_weights);        // a lying size
  EXPECT_EQ(code_of_weights(at(kGood, 64, "\xee")), Code::coreml_weights);                   // no mark
  EXPECT_EQ(code_of_weights(at(kGood, 88, "\x08")), Code::coreml_weights);                   // padding of 8 bits
  EXPECT_EQ(code_of_weights(header(1) + record(2, 16, 120) + kData), Code::coreml_weights);  // data not aligned
  EXPECT_EQ(code_of_weights(header(1) + record(2, 16, 0) + kData), Code::coreml_weights);    // data in the header
  EXPECT_EQ(code_of_weights(header(1) + record(2, 16, 64) + kData), Code::coreml_weights);   // data in the record
  EXPECT_EQ(code_of_weights(header(1) + record(2, 16, ~uint64_t{63}) + kData), Code::coreml_weights);
  EXPECT_EQ(code_of_weights(header(1) + record(2, ~uint64_t{0}, 128) + kData), Code::coreml_weights);
}

TEST(Hostile, WeightFileNames) {
  for (const char* name : {"weights/weight.bin", "@model_path/../weight.bin", "@model_path//etc/passwd", "/etc/passwd",
                           "@model_path/weights/../../x", "@model_path/nothing.bin", "@model_path/weights", ""}) {
    const Code code = code_of_weights(kGood, 64, 11, 4, name);
    EXPECT_TRUE(code == Code::coreml_weights || code == Code::coreml_package) << name;
  }
}

TEST(Hostile, OverlappingRecords) {
  const std::string t = tensor(11, {4});
  const auto code = [&](const std::string& weights, uint64_t second) {
    const Folder folder;
    return code_of(read_model(folder.package(
        program_model(str(3, const_op("a", t, blob_value(t, 64))) + str(3, const_op("b", t, blob_value(t, second)))),
        weights)));
  };
  const std::string apart = at(at(kGood, 192, record(2, 16, 256)), 256, kData);
  EXPECT_EQ(code(apart, 192), Code{});
  EXPECT_EQ(code(apart, 64), Code{}) << "one record may serve twice";
  EXPECT_EQ(code(at(apart, 192, record(2, 16, 128)), 192), Code::coreml_weights) << "the first one's data";
  EXPECT_EQ(code(at(apart, 192, record(2, 16, 64)), 192), Code::coreml_weights) << "the first one's record";
  // A record inside another one's data.
  const std::string inside =
      header(2) + record(2, 16, 256) + record(2, 16, 64 * 5) + kData + std::string(48, '\0') + kData;
  EXPECT_EQ(code(at(inside, 128, record(2, 16, 128)), 128), Code::coreml_weights);
}

TEST(Hostile, Manifests) {
  const auto code = [](const std::string& text) { return code_of(parse_manifest(text, "")); };
  const std::string good = Folder::kManifest;
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    return code(text.replace(text.find(from), from.size(), to));
  };
  EXPECT_EQ(code(good), Code{});
  EXPECT_EQ(code(""), Code::coreml_package);
  EXPECT_EQ(code("[]"), Code::coreml_package);
  EXPECT_EQ(code("{\"fileFormatVersion\": \"1.0.0\"}"), Code::coreml_package);
  EXPECT_EQ(code(std::string(2U << 20, ' ')), Code::limit_exceeded);
  EXPECT_EQ(code(std::string(900'000, '[')), Code::coreml_package);
  EXPECT_EQ(with("1.0.0", "1.0"), Code::coreml_package);
  EXPECT_EQ(with("1.0.0", "1.0.1"), Code::coreml_package);
  EXPECT_EQ(with("1.0.0", "0.9.9"), Code{});
  EXPECT_EQ(with("\"1.0.0\"", "1"), Code::coreml_package);
  EXPECT_EQ(with("\"description\"", "\"text\""), Code::coreml_package);
  EXPECT_EQ(with("00000000-0000-0000-0000-00000000000a", "a"), Code::coreml_package);
  EXPECT_EQ(with("00000000-0000-0000-0000-00000000000A", "00000000-0000-0000-0000-00000000000c"), Code::coreml_package);
  EXPECT_EQ(with("\"weights\"", "\"model.mlmodel\""), Code::coreml_package) << "name and author twice";
  for (const char* path : {"../model.mlmodel", "/etc/passwd", "a/../../b", "a\\\\b", "c:/x", ""})
    EXPECT_EQ(with("com.apple.CoreML/model.mlmodel", path), Code::coreml_package) << path;
}

TEST(Hostile, Packages) {
  const std::string model = program_model(str(3, const_op("w", tensor(11, {4}), blob_value(tensor(11, {4}), 64))));
  const auto code = [&](auto change) {
    const Folder folder;
    const std::string package = folder.package(model, kGood);
    change(folder, package, package + "/Data/com.apple.CoreML");
    return code_of(read_model(package));
  };
  EXPECT_EQ(code([](const auto&, const auto&, const auto&) {}), Code{});
  EXPECT_EQ(code([](const auto&, const auto& package, const auto&) { fs::remove(package + "/Manifest.json"); }),
            Code::coreml_package);
  EXPECT_EQ(code([](const auto&, const auto&, const auto& data) { fs::remove(data + "/model.mlmodel"); }),
            Code::coreml_package);
  EXPECT_EQ(code([](const auto&, const auto&, const auto& data) { fs::remove_all(data + "/weights"); }),
            Code::coreml_package);
  EXPECT_EQ(code([](const auto&, const auto&, const auto& data) { fs::remove(data + "/weights/weight.bin"); }),
            Code::coreml_package);
  // Links, inside and outside.
  EXPECT_EQ(code([&](const auto& folder, const auto&, const auto& data) {
              fs::remove(data + "/model.mlmodel");
              fs::create_symlink(folder.write("outside", model), data + "/model.mlmodel");
            }),
            Code::coreml_package);
  EXPECT_EQ(code([](const auto&, const auto&, const auto& data) {
              fs::rename(data + "/weights", data + "/real");
              fs::create_directory_symlink("real", data + "/weights");
            }),
            Code::coreml_package);
  EXPECT_EQ(code([](const auto&, const auto& package, const auto&) {
              fs::rename(package + "/Manifest.json", package + "/real");
              fs::create_symlink("real", package + "/Manifest.json");
            }),
            Code::coreml_package);
  // A pipe would wait for ever.
  EXPECT_EQ(code([](const auto&, const auto&, const auto& data) {
              fs::remove(data + "/weights/weight.bin");
              ASSERT_EQ(::mkfifo((data + "/weights/weight.bin").c_str(), 0600), 0);
            }),
            Code::coreml_package);
}

TEST(Hostile, ModelsWithoutTheirPackage) {
  const std::string t = tensor(11, {4});
  EXPECT_EQ(code_of_file(program_model(str(3, const_op("w", t, blob_value(t, 64))))), Code::coreml_package);
  EXPECT_EQ(code_of_file(program_model(str(2, "x"))), Code{});
}

TEST(Hostile, Containers) {
  const Folder folder;
  EXPECT_EQ(code_of(read_model(folder.path("none.mlmodel"))), Code::file_missing);
  EXPECT_EQ(code_of(read_model(folder.write("x.txt", "x"))), Code::file_malformed);
  folder.write("a.mlmodelc/model.mil", "x");
  folder.write("renamed/coremldata.bin", "x");
  EXPECT_EQ(recognise(folder.path("a.mlmodelc/")), Container::compiled);
  EXPECT_EQ(code_of(read_model(folder.path("a.mlmodelc"))), Code::coreml_compiled);
  EXPECT_EQ(code_of(read_model(folder.path("renamed"))), Code::coreml_compiled);
  EXPECT_EQ(recognise(folder.path("none.mlmodel")), Container::none);
}

TEST(Hostile, Bytes) {
  const std::string good = program_model(str(2, "x"));
  ASSERT_EQ(code_of_file(good), Code{});
  EXPECT_EQ(code_of_file(""), Code::file_malformed);
  EXPECT_EQ(code_of_file("\xff\xff\xff"), Code::file_malformed);
  EXPECT_EQ(code_of_file(num(1, 0)), Code::file_malformed);
  EXPECT_EQ(code_of_file(num(1, 1) + "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Code::file_malformed);
  EXPECT_EQ(code_of_file(good + num(502, 1)), Code::file_malformed);  // a program as a number
  for (size_t n = 1; n < good.size(); ++n) (void)code_of_file(good.substr(0, n));
}

TEST(Hostile, TypesAndValues) {
  const auto with_type = [](const std::string& type) {
    return code_of_file(program_model(str(2, "x"), str(1, named("x", type))));
  };
  EXPECT_EQ(with_type(tensor(11, {1, 2})), Code{});
  EXPECT_EQ(with_type(str(1, num(1, 11) + num(2, uint64_t{1} << 40))), Code::model_invalid);  // a lying rank
  EXPECT_EQ(with_type(str(1, num(1, 11) + num(2, 1))), Code::model_invalid);
  EXPECT_EQ(with_type(str(1, num(1, 11) + dim(3))), Code::model_invalid);
  EXPECT_EQ(with_type(str(1, num(1, 11) + num(2, ~uint64_t{0}))), Code{});  // -1: unknown
  EXPECT_EQ(with_type(str(1, num(1, 300))), Code::model_invalid);
  EXPECT_EQ(with_type(tensor(11, {uint64_t{1} << 63})), Code::model_invalid);
  EXPECT_EQ(with_type(tensor(11, std::vector<uint64_t>(65, 1))), Code::limit_exceeded);

  const auto with_value = [](const std::string& type, const std::string& immediate) {
    return code_of_file(program_model(str(3, const_op("c", type, str(2, type) + str(3, immediate)))));
  };
  const auto numbers = [](int field, const std::string& bytes) { return str(1, str(field, str(1, bytes))); };
  EXPECT_EQ(with_value(tensor(11, {4}), numbers(1, kData)), Code{});
  EXPECT_EQ(with_value(tensor(11, {5}), numbers(1, kData)), Code::model_invalid);
  EXPECT_EQ(with_value(tensor(11, {4}), numbers(1, "abc")), Code::model_invalid);
  EXPECT_EQ(with_value(tensor(23, {4}), numbers(1, kData)), Code::model_invalid);  // floats for int32
  EXPECT_EQ(with_value(tensor(22, {1}), numbers(2, varint(40000))), Code::model_invalid);
  EXPECT_EQ(with_value(tensor(32, {1}), numbers(2, varint(40000))), Code{});
  EXPECT_EQ(with_value(tensor(23, {1}), numbers(2, "\x80")), Code::file_malformed);  // half a number
  EXPECT_EQ(with_value(tensor(11, {1U << 31, 1U << 31, 1U << 31}), numbers(1, kData)), Code::limit_exceeded);
  EXPECT_EQ(with_value(tensor(25, {3}), numbers(7, "ab")), Code{});
  EXPECT_EQ(with_value(tensor(25, {3}), numbers(7, "a")), Code::model_invalid);
}

TEST(Hostile, NestingBombs) {
  std::string type = tensor(11, {1}), value = string_value("x"), network, block;
  for (int i = 0; i < 200; ++i) {
    type = str(5, str(1, type));
    value = str(3, str(3, str(1, value)));
    network = str(1, str(605, str(1, network)));
    block = str(3, str(4, block));
  }
  EXPECT_EQ(code_of_file(program_model(str(2, "x"), str(1, named("x", type)))), Code::limit_exceeded);
  EXPECT_EQ(code_of_file(program_model(str(3, str(5, entry("val", value))))), Code::limit_exceeded);
  EXPECT_EQ(code_of_file(program_model(block)), Code::limit_exceeded);
  EXPECT_EQ(code_of_file(num(1, 4) + str(500, network)), Code::limit_exceeded);
  std::string models = num(1, 4);
  for (int i = 0; i < 200; ++i) models = num(1, 4) + str(202, str(1, models));
  EXPECT_EQ(code_of_file(models), Code::limit_exceeded);
}

TEST(Hostile, FlippedBytesAreAnErrorOrAModel) {
  const std::string t = tensor(11, {4});
  const std::string model = program_model(str(2, "w") + str(3, const_op("w", t, blob_value(t, 64))), "",
                                          str(1, str(1, "x") + str(3, str(5, str(1, varint(4)) + num(2, 65568)))));
  const Folder folder;
  const std::string package = folder.package(model, kGood);
  std::string bytes = model;
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const char c : {'\x00', '\x7f', '\xff'}) {
      const char old = std::exchange(bytes[i], c);
      folder.write("m.mlpackage/Data/com.apple.CoreML/model.mlmodel", bytes);
      EXPECT_NE(code_of(read_model(package)), Code::internal) << i;
      bytes[i] = old;
    }
  }
}

TEST(Hostile, TargetsThatAreNoPackagesStay) {
  const Folder folder;
  const auto model = read_model(folder.write("m.mlmodel", program_model(str(2, "x"))));
  ASSERT_TRUE(model.ok());
  folder.write("photos.mlpackage/cat.jpg", "cat");
  EXPECT_EQ(code_of(write_model(*model, folder.path("photos.mlpackage"))), Code::write_failed);
  EXPECT_EQ(folder.read("photos.mlpackage/cat.jpg"), "cat");
  folder.write("file.mlpackage", "text");
  EXPECT_EQ(code_of(write_model(*model, folder.path("file.mlpackage"))), Code::write_failed);
  EXPECT_EQ(folder.read("file.mlpackage"), "text");
  EXPECT_EQ(code_of(write_model(*model, folder.path("no/such/folder/m.mlpackage"))), Code::write_failed);
  fs::create_directory(folder.path("empty.mlpackage"));
  EXPECT_EQ(code_of(write_model(*model, folder.path("empty.mlpackage"))), Code{});
  EXPECT_EQ(code_of(write_model(*model, folder.path("empty.mlpackage/"))), Code{});
  fs::create_directory_symlink("empty.mlpackage", folder.path("link.mlpackage"));
  EXPECT_EQ(code_of(write_model(*model, folder.path("link.mlpackage"))), Code{});
  EXPECT_TRUE(fs::is_symlink(folder.path("link.mlpackage")));
  EXPECT_EQ(folder.count(), 5U) << "no temporary folder is left";
}

}  // namespace
}  // namespace assay::coreml
