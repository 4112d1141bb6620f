// Operations whose results nobody can predict.
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

void refuse_random(MilLift& c) {
  c.unsupported("its values are not defined: Core ML documents no generator, so that no two runs need agree");
}

constexpr MilRow kRows[] = {
    {"random_bernoulli", refuse_random},
    {"random_categorical", refuse_random},
    {"random_normal", refuse_random},
    {"random_uniform", refuse_random},
};

}  // namespace

std::span<const MilRow> mil_refused_rows() { return kRows; }

}  // namespace assay::coreml
