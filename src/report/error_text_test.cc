#include "report/error_text.h"

#include <gtest/gtest.h>

namespace assay::report {
namespace {

TEST(ErrorText, NamesCodePlaceAndRemedy) {
  const Error error{Code::file_missing, "cannot open: No such file", "x.onnx", "check the path"};
  EXPECT_EQ(to_text(error, "error", false),
            "error A101: cannot open: No such file\n  at:  x.onnx\n  fix: check the path\n");
}

TEST(ErrorText, StaysShortAndHarmless) {
  const Error error{Code::model_invalid, std::string(100000, 'x'), std::string("\033[2J\a") + std::string(9000, 'n'),
                    std::string(5000, 'y')};
  const std::string text = to_text(error, "error", false);
  EXPECT_LT(text.size(), 4000u);
  EXPECT_EQ(text.find('\033'), std::string::npos);
  EXPECT_NE(text.find("98800 more characters"), std::string::npos);
}

}  // namespace
}  // namespace assay::report
