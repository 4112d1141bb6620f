#include "api/opbench/data.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <string>

namespace assay::api::opbench {
namespace {

constexpr int64_t kVocabulary = 64;

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// Where the operand's type is drawn from unless it says otherwise.
std::pair<double, double> range_of(ir::ElemType elem, const Draw& how) {
  double low = 0, high = 100;
  if (ir::is_float(elem)) low = -1, high = 1;
  if (elem == ir::ElemType::boolean) high = 1;
  if (elem == ir::ElemType::uint8) high = 255;
  if (elem == ir::ElemType::int8) low = -128, high = 127;
  return {how.low.value_or(low), how.high.value_or(high)};
}

void set(ir::Tensor& t, int64_t i, double value) {
  if (ir::is_float(t.elem()))
    t.set_float(i, value);
  else
    t.set_int(i, static_cast<int64_t>(value));
}

void fill_uniform(ir::Tensor& t, double low, double high, Random& random) {
  const auto first = static_cast<int64_t>(std::ceil(low)), last = static_cast<int64_t>(std::floor(high));
  if (t.elem() == ir::ElemType::float32) {  // the large ones
    float* const values = t.mutable_data<float>();
    for (int64_t i = 0; i < t.size(); ++i) values[i] = static_cast<float>(random.uniform(low, high));
    return;
  }
  for (int64_t i = 0; i < t.size(); ++i) {
    if (ir::is_float(t.elem()))
      t.set_float(i, random.uniform(low, high));
    else
      t.set_int(i, random.whole(first, last));
  }
}

void fill_distinct(ir::Tensor& t, double low, double high, Random& random) {
  std::vector<int64_t> all(static_cast<size_t>(high - low) + 1);
  std::iota(all.begin(), all.end(), static_cast<int64_t>(low));
  const auto last = static_cast<int64_t>(all.size()) - 1;
  for (int64_t i = 0; i < t.size(); ++i) {
    std::swap(all[static_cast<size_t>(i)], all[static_cast<size_t>(random.whole(i, last))]);
    set(t, i, static_cast<double>(all[static_cast<size_t>(i)]));
  }
}

void fill_boxes(ir::Tensor& t, double low, double high, Random& random) {
  constexpr double kLeast = 1, kMost = 9;
  for (int64_t i = 0; i < t.size(); ++i)
    set(t, i, i % 4 < 2 ? random.uniform(low, high) : t.float_at(i - 2) + random.uniform(kLeast, kMost));
}

void fill_dominant(ir::Tensor& t, Random& random) {
  const int64_t n = t.dims().back();
  for (int64_t i = 0; i < t.size(); ++i)
    set(t, i, random.uniform(-1, 1) + (i / n % n == i % n ? static_cast<double>(n) : 0));
}

ir::Tensor words(const ir::Dims& dims, Random& random) {
  const auto count = static_cast<size_t>(std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>()));
  std::vector<std::string> text(count);
  for (std::string& word : text) word = "word" + std::to_string(random.whole(0, kVocabulary - 1));
  return ir::Tensor::of_strings(dims, std::move(text));
}

}  // namespace

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<Draw> parse_draw(std::string_view text) {
  Draw how;
  text = trimmed(text);
  const Error wrong{Code::internal, "no way to draw: '" + std::string(text) + "'"};
  if (!text.empty() && std::isalpha(static_cast<unsigned char>(text.front()))) {
    how.kind = text.substr(0, text.find(' '));
    text = trimmed(text.substr(how.kind.size()));
  }
  if (text.empty()) return how;
  const size_t dots = text.find("..");
  if (dots == std::string_view::npos) return wrong;
  how.low = number(text.substr(0, dots));
  how.high = number(text.substr(dots + 2));
  if (!how.low || !how.high) return wrong;
  return how;
}

uint64_t Random::next() {
  state_ = state_ * 6364136223846793005U + 1442695040888963407U;  // Knuth, TAOCP 2, 3.3.4, MMIX
  return state_ >> 33;
}

double Random::uniform(double low, double high) {
  return low + (high - low) * static_cast<double>(next()) / static_cast<double>(uint64_t{1} << 31);
}

int64_t Random::whole(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(next() % static_cast<uint64_t>(high - low + 1));
}

ir::Tensor draw(ir::ElemType elem, const ir::Dims& dims, const Draw& how, Random& random) {
  if (elem == ir::ElemType::string) return words(dims, random);
  ir::Tensor t = ir::Tensor::allocate(elem, dims);
  const auto [low, high] = range_of(elem, how);
  if (how.kind == "distinct")
    fill_distinct(t, low, high, random);
  else if (how.kind == "boxes")
    fill_boxes(t, low, high, random);
  else if (how.kind == "dominant")
    fill_dominant(t, random);
  else
    fill_uniform(t, low, high, random);
  return t;
}

}  // namespace assay::api::opbench
