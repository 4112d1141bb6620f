// Operations whose results nobody can predict.
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

constexpr char kRandom[] = "its values are not defined: Core ML documents no generator, so that no two runs need agree";

void refuse_random(MilLift& c) { c.unsupported(kRandom); }

constexpr MilRow kRows[] = {
    {"random_bernoulli", refuse_random, 6, kRandom},
    {"random_categorical", refuse_random, 6, kRandom},
    {"random_normal", refuse_random, 6, kRandom},
    {"random_uniform", refuse_random, 6, kRandom},
};

}  // namespace

std::span<const MilRow> mil_refused_rows() { return kRows; }

}  // namespace assay::coreml
