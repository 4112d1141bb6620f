#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <numeric>

#include "base/aside.h"
#include "base/block.h"
#include "base/checked.h"
#include "base/codes.h"
#include "base/mapped_file.h"
#include "base/output_file.h"
#include "base/text.h"
#include "base/threads.h"

namespace assay {
namespace {

TEST(Codes, TableIsAscendingAndNamesParseBack) {
  int last = 0;
  for (const CodeRow& row : code_table()) {
    EXPECT_GT(static_cast<int>(row.code), last);
    last = static_cast<int>(row.code);
    EXPECT_EQ(parse_code(code_name(row.code)), row.code);
    EXPECT_FALSE(row.sentence.empty());
    EXPECT_FALSE(row.text.empty());
  }
  EXPECT_EQ(code_name(Code::usage), "A001");
  EXPECT_FALSE(parse_code("A777"));
}

TEST(Checked, ProductsRefuseOverflowAndNegatives) {
  EXPECT_EQ(checked_product(std::vector<int64_t>{2, 3, 4}), 24);
  EXPECT_EQ(checked_product(std::vector<int64_t>{}), 1);
  EXPECT_EQ(checked_product(std::vector<int64_t>{int64_t{1} << 62, 0, int64_t{1} << 62}), 0);
  EXPECT_FALSE(checked_product(std::vector<int64_t>{int64_t{1} << 62, 4}));
  EXPECT_FALSE(checked_product(std::vector<int64_t>{-1}));
}

TEST(OutputFile, AppearsOnlyWhenCommitted) {
  const auto folder = std::filesystem::temp_directory_path() / "assay_output_file_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::string path = (folder / "a.txt").string();
  {
    auto file = OutputFile::create(path);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->write("half").ok());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  ASSERT_TRUE(write_file(path, "whole").ok());
  auto mapped = MappedFile::open(path);
  ASSERT_TRUE(mapped.ok());
  EXPECT_EQ(mapped->bytes().size(), 5u);
  EXPECT_EQ(MappedFile::open(folder.string()).error().code, Code::file_missing);
  EXPECT_EQ(OutputFile::create((folder / "no" / "a").string()).error().code, Code::write_failed);
  // What is being read is no place to write to.
  EXPECT_EQ(write_file(path, "other").error().code, Code::write_failed);
  mapped = Error{Code::internal, "no longer"};
  EXPECT_TRUE(write_file(path, "other").ok());
}

TEST(Text, DidYouMeanAndShortest) {
  const std::vector<std::string> words{"inspect", "audit", "run"};
  EXPECT_EQ(did_you_mean("inspct", words), "inspect");
  EXPECT_EQ(did_you_mean("zzzzzz", words), "");
  EXPECT_EQ(shortest(0.6480752f), "0.6480752");
  EXPECT_EQ(shortest(-std::numeric_limits<float>::infinity()), "-inf");
}

TEST(Threads, EveryIndexOnceForAnyCount) {
  for (const int count : {1, 2, 5}) {
    const Threads threads(count);
    std::vector<std::atomic<int>> seen(1000);
    threads.for_each(seen.size(), 7, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) ++seen[i];
    });
    for (const auto& n : seen) EXPECT_EQ(n.load(), 1);
  }
}

TEST(Aside, JobsRunInOrderAndAnErrorIsGivenOnce) {
  std::vector<int> seen;
  Aside aside;
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(aside
                    .start([&seen, i]() -> Status {
                      seen.push_back(i);
                      if (i == 99) return Error{Code::write_failed, "full"};
                      return {};
                    })
                    .ok());
  EXPECT_EQ(aside
                .start([&seen]() -> Status {
                  seen.push_back(-1);
                  return {};
                })
                .error()
                .code,
            Code::write_failed);
  EXPECT_TRUE(aside.wait().ok());
  std::vector<int> want(100);
  std::iota(want.begin(), want.end(), 0);
  EXPECT_EQ(seen, want);
}

TEST(Block, AnySizeIsAlignedAndWritable) {
  for (const size_t bytes : {size_t{1}, size_t{64}, (size_t{1} << 21) - 1, size_t{1} << 21, (size_t{5} << 21) + 17}) {
    void* block = allocate_block(bytes);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % kBlockAlignment, 0u);
    std::memset(block, 0x5a, bytes);
    free_block(block, bytes);
  }
  EXPECT_EQ(allocate_block(SIZE_MAX - 1), nullptr);
  EXPECT_EQ(allocate_block(size_t{1} << 62), nullptr);
  free_block(nullptr, 1);
}

}  // namespace
}  // namespace assay
