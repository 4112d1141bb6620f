#include "base/limits.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace assay {
namespace {

struct Restored {
  ~Restored() { set_limits({}); }
};

TEST(Limits, DefaultsAreAMillionIterationsAndMostOfTheMachine) {
  set_limits({});
  EXPECT_EQ(limits().iterations, 1'000'000);
  EXPECT_GT(limits().memory, uint64_t{1} << 28);
}

TEST(Limits, MemoryIsTakenUpToTheBudgetAndNotBeyond) {
  const Restored restored;
  set_limits({.memory = uint64_t{1} << 40});
  take_memory(uint64_t{1} << 39);
  EXPECT_THROW(take_memory(uint64_t{1} << 40), OverBudget);
  EXPECT_THROW(take_memory(SIZE_MAX), OverBudget) << "sizes near the largest number do not wrap around";
  give_memory(uint64_t{1} << 39);
  take_memory((uint64_t{1} << 40) - (uint64_t{1} << 20));
  give_memory((uint64_t{1} << 40) - (uint64_t{1} << 20));
}

TEST(Limits, TheErrorSaysHowMuchAndWhatToDo) {
  const Error error = OverBudget(3U << 20, 2U << 20, 4U << 20).error("Conv 'c'");
  EXPECT_EQ(error.code, Code::limit_exceeded);
  EXPECT_EQ(error.message, "needs 3 MiB more than the 2 MiB that are in use; 4 MiB are allowed");
  EXPECT_EQ(error.where, "Conv 'c'");
  EXPECT_NE(error.fix.find("--max-memory"), std::string::npos);
}

TEST(Limits, WorkWithoutMemoryEndsInAnError) {
  const auto code_of = [](auto thrown) {
    const Status status = within_memory("the test", [&]() -> Status { throw thrown; });
    return status.ok() ? std::string("ok") : std::string(code_name(status.error().code)) + " " + status.error().where;
  };
  const std::string wanted = std::string(code_name(Code::limit_exceeded)) + " the test";
  EXPECT_EQ(code_of(OverBudget(1, 2, 3)), wanted);
  EXPECT_EQ(code_of(std::bad_alloc()), wanted);
  EXPECT_EQ(code_of(std::length_error("vector")), std::string(code_name(Code::internal)) + " the test");
  EXPECT_THROW(code_of(std::runtime_error("another")), std::runtime_error);
  EXPECT_TRUE(within_memory("the test", []() -> Status { return {}; }).ok());
}

}  // namespace
}  // namespace assay
