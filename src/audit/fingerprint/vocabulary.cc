#include "audit/fingerprint/vocabulary.h"

#include <map>

namespace assay::audit {
namespace {

// Macros keep each row on a line; they are gone at the end of the table.
#define ALL(text) "[[statement]]\n" text "\n"
#define PRODUCTS(text) "[[statement]]\nmatch.class = \"contraction\"\n" text "\n"
#define SUMS(text) "[[statement]]\nmatch.class = [\"reduction\", \"composite\"]\n" text "\n"
#define STORE(words) "storage = \"" words "\"\n" ALL("set.result = \"" words "\"")
#define ACC(text) PRODUCTS("set.accumulator = { " text " }")
#define SUM(text) SUMS("set.sum = { " text " }")
#define F16 "step = \"float16 nearest-even\""

constexpr PolicyChange kVocabulary[] = {
    {"storage", "float32 storage", STORE("float32")},
    {"storage", "float16 storage", STORE("float16 nearest-even")},
    {"storage", "float16 storage, subnormals flushed", STORE("float16 nearest-even flush")},
    {"storage", "float16 storage, clamped", STORE("float16 nearest-even clamp")},
    {"storage", "float16 storage, flushed and clamped", STORE("float16 nearest-even flush clamp")},
    {"storage", "float16 storage, truncated", STORE("float16 toward-zero")},
    {"storage", "bfloat16 storage", STORE("bfloat16 nearest-even")},
    {"storage", "bfloat16 storage, subnormals flushed", STORE("bfloat16 nearest-even flush")},
    {"storage", "bfloat16 storage, truncated", STORE("bfloat16 toward-zero")},
    {"storage", "only results rounded to float16",
     "storage = \"float32\"\n" ALL("set.result = \"float16 nearest-even\"")},
    {"storage", "only weights and results rounded to float16",
     "storage = \"float32\"\nweights = \"float16 nearest-even\"\n" ALL("set.result = \"float16 nearest-even\"")},
    {"storage", "only weights rounded to float16",
     "storage = \"float32\"\nweights = \"float16 nearest-even\"\n" ALL("set.result = \"float32\"")},
    {"storage", "only inputs and weights rounded to float16",
     "storage = \"float32\"\ninputs = \"float16 nearest-even\"\nweights = \"float16 nearest-even\"\n" ALL(
         "set.result = \"float32\"")},
    {"products' results", "products up to 32768", PRODUCTS("set.result = \"float16 nearest-even limit=32768\"")},
    {"products' results", "products up to 32768, subnormals flushed",
     PRODUCTS("set.result = \"float16 nearest-even flush limit=32768\"")},
    {"operands", "operands as they are", PRODUCTS("set.operand = \"float32\"")},
    {"operands", "TF32 operands, nearest even", PRODUCTS("set.operand = \"tf32 nearest-even\"")},
    {"operands", "TF32 operands, nearest away", PRODUCTS("set.operand = \"tf32 nearest-away\"")},
    {"operands", "TF32 operands, truncated", PRODUCTS("set.operand = \"tf32 toward-zero\"")},
    {"operands", "bfloat16 operands", PRODUCTS("set.operand = \"bfloat16 nearest-even\"")},
    {"operands", "bfloat16 operands, subnormals flushed", PRODUCTS("set.operand = \"bfloat16 nearest-even flush\"")},
    {"operands", "bfloat16 operands, truncated", PRODUCTS("set.operand = \"bfloat16 toward-zero\"")},
    {"operands", "float16 operands", PRODUCTS("set.operand = \"float16 nearest-even\"")},
    {"accumulator", "float32 sums, fused", ACC("kind = \"chain\"")},
    {"accumulator", "float32 sums, products rounded", ACC("kind = \"chain\", fused = false")},
    {"accumulator", "float32 sums, flushed", ACC("kind = \"chain\", subnormals = \"flush\"")},
    {"accumulator", "float32 sums of 2 parts of k", ACC("kind = \"chain\", split-k = 2")},
    {"accumulator", "float32 sums of 4 parts of k", ACC("kind = \"chain\", split-k = 4")},
    {"accumulator", "float32 sums of 8 parts of k", ACC("kind = \"chain\", split-k = 8")},
    {"accumulator", "float32 sums of 16 parts of k", ACC("kind = \"chain\", split-k = 16")},
    {"accumulator", "float32 sums of 32 parts of k", ACC("kind = \"chain\", split-k = 32")},
    {"accumulator", "float32 sums in 2 lanes", ACC("kind = \"lanes\", lanes = 2")},
    {"accumulator", "float32 sums in 4 lanes", ACC("kind = \"lanes\", lanes = 4")},
    {"accumulator", "float32 sums in 8 lanes", ACC("kind = \"lanes\", lanes = 8")},
    {"accumulator", "float32 sums in 16 lanes", ACC("kind = \"lanes\", lanes = 16")},
    {"accumulator", "float32 sums in 32 lanes", ACC("kind = \"lanes\", lanes = 32")},
    {"accumulator", "float32 sums in 8 lanes, products rounded", ACC("kind = \"lanes\", lanes = 8, fused = false")},
    {"accumulator", "exact sums", ACC("kind = \"exact\"")},
    {"accumulator", "float16 sums, fused", ACC("kind = \"chain\", " F16)},
    {"accumulator", "float16 sums, products rounded", ACC("kind = \"chain\", fused = false, " F16)},
    {"accumulator", "float16 sums through float32", ACC("kind = \"chain\", step-via-float32 = true, " F16)},
    {"accumulator", "float16 sums in 8 lanes", ACC("kind = \"lanes\", lanes = 8, " F16)},
    {"accumulator", "bfloat16 sums, fused", ACC("kind = \"chain\", step = \"bfloat16 nearest-even\"")},
    {"accumulator", "aligned blocks of 4, 23 bits", ACC("kind = \"aligned\", block = 4, fraction-bits = 23")},
    {"accumulator", "aligned blocks of 4, 24 bits", ACC("kind = \"aligned\", block = 4, fraction-bits = 24")},
    {"accumulator", "aligned blocks of 8, 24 bits", ACC("kind = \"aligned\", block = 8, fraction-bits = 24")},
    {"accumulator", "aligned blocks of 8, 25 bits", ACC("kind = \"aligned\", block = 8, fraction-bits = 25")},
    {"accumulator", "aligned blocks of 16, 24 bits", ACC("kind = \"aligned\", block = 16, fraction-bits = 24")},
    {"accumulator", "aligned blocks of 16, 25 bits", ACC("kind = \"aligned\", block = 16, fraction-bits = 25")},
    {"accumulator", "aligned blocks of 8, 24 bits, float16 results",
     ACC("kind = \"aligned\", block = 8, fraction-bits = 24, block-rounding = \"float16 nearest-even\"")},
    {"accumulator", "aligned blocks of 4, 24 bits, accumulator apart",
     ACC("kind = \"aligned\", block = 4, fraction-bits = 24, block-rounding = \"float32 nearest-even\", "
         "accumulator-apart = true")},
    {"accumulator", "tiles of 4, 12 bits", ACC("kind = \"tiles\", block = 4, fraction-bits = 12, " F16)},
    {"accumulator", "tiles of 4, 12 bits, up to 32768",
     ACC("kind = \"tiles\", block = 4, fraction-bits = 12, step = \"float16 nearest-even flush limit=32768\"")},
    {"accumulator", "tiles of 4, 12 bits, float16 products",
     ACC("kind = \"tiles\", block = 4, fraction-bits = 12, product = \"float16 nearest-even\", " F16)},
    {"accumulator", "pairs, odd then even", ACC("kind = \"pairs\", pairs = \"odd-then-even\"")},
    {"accumulator", "pairs, even and odd sums", ACC("kind = \"pairs\", pairs = \"even-odd-sums\", block = 32")},
    {"accumulator", "pairs, rounded to odd", ACC("kind = \"pairs\", pairs = \"round-to-odd\"")},
    {"bias", "bias after", PRODUCTS("set.bias = \"after\"")},
    {"bias", "bias first", PRODUCTS("set.bias = \"first\"")},
    {"bias", "bias after the store", PRODUCTS("set.bias = \"after-store\"")},
    {"sums", "reductions in one float32 chain", SUM("kind = \"chain\"")},
    {"sums", "reductions in 4 lanes", SUM("kind = \"lanes\", lanes = 4")},
    {"sums", "reductions in 8 lanes", SUM("kind = \"lanes\", lanes = 8")},
    {"sums", "reductions in 16 lanes", SUM("kind = \"lanes\", lanes = 16")},
    {"sums", "reductions in 32 lanes", SUM("kind = \"lanes\", lanes = 32")},
    {"sums", "reductions in 64 lanes", SUM("kind = \"lanes\", lanes = 64")},
    {"sums", "exact reductions", SUM("kind = \"exact\"")},
    {"sums", "reductions in float16", SUM("kind = \"chain\", " F16)},
    {"sums", "reductions in tiles of 4, 12 bits", SUM("kind = \"tiles\", block = 4, fraction-bits = 12, " F16)},
    {"steps", "float32 steps", ALL("set.step = \"float32\"")},
    {"steps", "float16 steps", ALL("set.step = \"float16 nearest-even\"")},
    {"steps", "float16 steps, flushed", ALL("set.step = \"float16 nearest-even flush\"")},
    {"subnormals", "float32 subnormals kept", ALL("set.subnormals = \"keep\"")},
    {"subnormals", "float32 subnormals flushed", ALL("set.subnormals = \"flush\"")},
    {"functions", "functions within 1 ULP", ALL("set.elementary = \"sleef\"")},
    {"functions", "functions correctly rounded", ALL("set.elementary = \"correctly-rounded\"")},
    {"special values", "IEEE special values", ALL("set.special-values = \"ieee\"")},
    {"special values", "Neural Engine special values", ALL("set.special-values = \"neural-engine\"")},
    {"division", "divisions as written", ALL("set.divide-by-reciprocal = false")},
    {"division", "division by reciprocals", ALL("set.divide-by-reciprocal = true")},
    {"softplus", "softplus without overflow", ALL("set.plain-softplus = false")},
    {"softplus", "softplus as written", ALL("set.plain-softplus = true")},
};

#undef ALL
#undef PRODUCTS
#undef SUMS
#undef STORE
#undef ACC
#undef SUM
#undef F16

/// The change as a profile; statements get the evidence that a profile must have.
profiles::Variant parsed(const PolicyChange& change) {
  std::string text = "name = \"change\"\ndoc = \"change\"\n" + std::string(change.toml);
  constexpr std::string_view kEvidence = "evidence.source = \"combination\"\nevidence.certainty = \"assumed\"\n";
  for (size_t at = text.find("set."); at != std::string::npos; at = text.find("set.", at)) {
    at = text.find('\n', at) + 1;
    text.insert(at, kEvidence);
  }
  auto profile = profiles::parse_profile(text, "vocabulary");
  return profile.ok() ? profile->variants.front() : profiles::Variant{};
}

const profiles::Variant& variant_of(const PolicyChange& change) {
  static const std::vector<profiles::Variant> all = [] {
    std::vector<profiles::Variant> variants;
    for (const PolicyChange& each : kVocabulary) variants.push_back(parsed(each));
    return variants;
  }();
  return all[static_cast<size_t>(&change - kVocabulary)];
}

}  // namespace

std::span<const PolicyChange> vocabulary() { return kVocabulary; }

profiles::Variant changed(const profiles::Variant& policy, const PolicyChange& change) {
  profiles::Variant result = policy;
  const profiles::Variant& said = variant_of(change);
  if (change.choice == "storage") result.storage = said.storage;
  result.statements.insert(result.statements.end(), said.statements.begin(), said.statements.end());
  result.own = result.statements.size();
  return result;
}

}  // namespace assay::audit
