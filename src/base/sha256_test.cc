#include "base/sha256.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/output_file.h"

namespace assay {
namespace {

std::string sha256(std::string_view text) {
  Sha256 hash;
  hash.add(text);
  return to_hex(hash.digest());
}

TEST(Sha256, KnownVectors) {  // of FIPS 180-4's examples
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, PartsMakeTheWhole) {
  Sha256 hash;
  const std::string part(999, 'a');
  for (int i = 0; i < 1001; ++i) hash.add(part);
  hash.add("a");
  EXPECT_EQ(to_hex(hash.digest()), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");  // a million
}

TEST(Sha256, OfFilesAndFolders) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(testing::TempDir()) / "sha256";
  fs::remove_all(folder);
  fs::create_directories(folder / "a");
  ASSERT_TRUE(write_file((folder / "a" / "x").string(), "abc").ok());
  ASSERT_TRUE(write_file((folder / "a.txt").string(), "").ok());
  EXPECT_EQ(*sha256_of_path((folder / "a" / "x").string()), sha256("abc"));
  std::string whole;  // '.' comes before '/'
  for (const auto& [name, content] : {std::pair("a.txt", ""), {"a/x", "abc"}}) {
    Sha256 hash;
    hash.add(std::string_view(content));
    const Sha256::Digest digest = hash.digest();
    whole += name + std::string(1, '\0') + std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
  EXPECT_EQ(*sha256_of_path(folder.string()), sha256(whole));
  ASSERT_TRUE(write_file((folder / "a" / ".DS_Store").string(), "left by a file browser").ok());
  EXPECT_EQ(*sha256_of_path(folder.string()), sha256(whole));
  ASSERT_TRUE(write_file((folder / "a" / "x").string(), "abd").ok());
  EXPECT_NE(*sha256_of_path(folder.string()), sha256(whole));
  EXPECT_EQ(sha256_of_path((folder / "none").string()).error().code, Code::file_missing);
}

}  // namespace
}  // namespace assay
