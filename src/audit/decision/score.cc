#include "audit/decision/score.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/checked.h"
#include "base/text.h"
#include "num/elementary.h"
#include "num/format.h"

namespace assay::audit {
namespace {
using Values = std::vector<double>;
constexpr int kDeepest = 64;
constexpr size_t kLongest = 100'000;

enum class Fn : uint8_t { output, sigmoid, softmax, max, min, mean, sum, index, transpose, columns, detections };

bool takes_numbers(Fn fn) { return fn == Fn::index || fn == Fn::columns; }

void sigmoid(SampleValue& v) {
  // Semantics.md 1: 1 / (1 + exp(-x)) for x >= 0, e / (1 + e) with e = exp(x) otherwise.
  Values e(v.values.size());
  for (size_t i = 0; i < e.size(); ++i) e[i] = v.values[i] >= 0 ? -v.values[i] : v.values[i];
  num::apply(num::Function::exp, e.data(), e.data(), e.size());
  for (size_t i = 0; i < e.size(); ++i) v.values[i] = v.values[i] >= 0 ? 1 / (1 + e[i]) : e[i] / (1 + e[i]);
}

double max_of(std::span<const double> x) {
  double best = -std::numeric_limits<double>::infinity();
  for (const double v : x) {
    if (std::isnan(v)) return v;
    best = std::max(best, v);
  }
  return best;
}

double min_of(std::span<const double> x) {
  double best = std::numeric_limits<double>::infinity();
  for (const double v : x) {
    if (std::isnan(v)) return v;
    best = std::min(best, v);
  }
  return best;
}

double sum_of(std::span<const double> x) {
  double sum = 0;
  for (const double v : x) sum += v;
  return sum;
}

void softmax(SampleValue& v) {
  const size_t row = v.dims.empty() ? 1 : static_cast<size_t>(v.dims.back());
  for (size_t begin = 0; begin + row <= v.values.size() && row > 0; begin += row) {
    const std::span<double> x(v.values.data() + begin, row);
    const double top = max_of(x);
    for (double& e : x) e -= top;
    num::apply(num::Function::exp, x.data(), x.data(), row);
    const double sum = sum_of(x);
    for (double& e : x) e /= sum;
  }
}

// Swaps the last two axes; fewer than two stay.
void transpose(SampleValue& v) {
  if (v.dims.size() < 2) return;
  const auto columns = static_cast<size_t>(v.dims.back()), rows = static_cast<size_t>(v.dims[v.dims.size() - 2]);
  std::swap(v.dims[v.dims.size() - 2], v.dims.back());
  const Values from = v.values;
  for (size_t begin = 0; begin + rows * columns <= from.size() && rows * columns > 0; begin += rows * columns)
    for (size_t r = 0; r < rows; ++r)
      for (size_t c = 0; c < columns; ++c) v.values[begin + c * rows + r] = from[begin + r * columns + c];
}

struct FnRow {
  std::string_view name;
  Fn fn;
  bool many;                                  ///< takes several arguments
  void (*map)(SampleValue&);                  ///< keeps the shape
  double (*reduce)(std::span<const double>);  ///< all axes but the samples'
};
constexpr std::array<FnRow, 10> kFunctions{{
    {"sigmoid", Fn::sigmoid, false, sigmoid, nullptr},
    {"softmax", Fn::softmax, false, softmax, nullptr},
    {"max", Fn::max, true, nullptr, max_of},
    {"min", Fn::min, true, nullptr, min_of},
    {"mean", Fn::mean, true, nullptr,
     [](std::span<const double> x) { return sum_of(x) / static_cast<double>(x.size()); }},
    {"sum", Fn::sum, true, nullptr, sum_of},
    {"index", Fn::index, false, nullptr, nullptr},
    {"transpose", Fn::transpose, false, transpose, nullptr},
    {"columns", Fn::columns, false, nullptr, nullptr},
    {"detections", Fn::detections, true, nullptr, nullptr},
}};
}  // namespace

struct Score::Node {
  const FnRow* row = nullptr;  ///< null: an output
  size_t output = 0;
  std::string name{};
  std::vector<std::shared_ptr<const Node>> arguments{};
  std::vector<int64_t> indices{};
};

namespace {
using Node = Score::Node;
using NodePtr = std::shared_ptr<const Node>;

bool plain(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (name.empty() || !letter(name[0])) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || digit(c); });
}

std::string quoted(const std::string& name) {
  if (plain(name)) return name;
  std::string out = "'";
  for (const char c : name) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

std::string spell(const Node& node) {
  if (node.row == nullptr) return quoted(node.name);
  std::string out = std::string(node.row->name) + "(";
  for (size_t i = 0; i < node.arguments.size(); ++i) out += (i > 0 ? ", " : "") + spell(*node.arguments[i]);
  for (const int64_t i : node.indices) out += ", " + std::to_string(i);
  return out + ")";
}

void collect(const Node& node, std::vector<size_t>& reads) {
  if (node.row == nullptr) reads.push_back(node.output);
  for (const NodePtr& argument : node.arguments) collect(*argument, reads);
}

// Recursive descent; every method leaves `at_` after what it took.
class Parser {
 public:
  Parser(std::string_view text, std::span<const std::string> outputs) : text_(text), outputs_(outputs) {}

  Result<NodePtr> parse() {
    ASSAY_TRY(NodePtr node, expression(0));
    space();
    if (at_ < text_.size()) return fail("something follows the expression");
    return node;
  }

 private:
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool take(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  Error fail(std::string message) const {
    return Error{Code::bad_decision, std::move(message),
                 "--score, character " + std::to_string(at_ + 1) + ": " +
                     std::string(text_.substr(std::min(at_, text_.size()), 60)),
                 "scores are made of output names (in single quotes where they are no plain words), sigmoid, softmax, "
                 "max, min, mean, sum, index(e, i, ...), transpose, columns(e, i, j) and detections(e, e[, e])"};
  }

  std::string_view word() {
    space();
    const size_t begin = at_;
    while (at_ < text_.size() && plain(text_.substr(begin, at_ + 1 - begin))) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  Result<NodePtr> expression(int depth) {
    if (depth > kDeepest) return fail("is nested too deeply");
    if (take('\'')) return quoted_output();
    const std::string_view name = word();
    if (name.empty()) return fail("an output name or a function is wanted here");
    if (!take('(')) return output(std::string(name));
    const auto row = std::find_if(kFunctions.begin(), kFunctions.end(), [&](const FnRow& r) { return r.name == name; });
    if (row == kFunctions.end()) {
      std::vector<std::string> names;
      names.reserve(kFunctions.size());
      for (const FnRow& r : kFunctions) names.emplace_back(r.name);
      const std::string near = did_you_mean(name, names);
      return fail("no function is called '" + std::string(name) + "'" +
                  (near.empty() ? "" : "; did you mean '" + near + "'?"));
    }
    return call(*row, depth);
  }

  Result<NodePtr> quoted_output() {
    std::string name;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\'') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != '\'') break;
        ++at_;
      }
      name += text_[at_];
    }
    if (at_++ >= text_.size()) return fail("a quoted name has no end");
    return output(std::move(name));
  }

  Result<NodePtr> output(std::string name) {
    const auto it = std::find(outputs_.begin(), outputs_.end(), name);
    if (it == outputs_.end()) {
      const std::string near = did_you_mean(name, outputs_);
      return fail("no output is called '" + name.substr(0, 200) + "'; there are " + join(outputs_, ", ") +
                  (near.empty() ? "" : "; did you mean '" + near + "'?"));
    }
    auto node = std::make_shared<Node>();
    node->output = static_cast<size_t>(it - outputs_.begin());
    node->name = std::move(name);
    return NodePtr(node);
  }

  Result<NodePtr> call(const FnRow& row, int depth) {
    auto node = std::make_shared<Node>();
    node->row = &row;
    do {
      if (takes_numbers(row.fn) && !node->arguments.empty()) {
        ASSAY_TRY(const int64_t i, integer());
        node->indices.push_back(i);
        continue;
      }
      ASSAY_TRY(NodePtr argument, expression(depth + 1));
      node->arguments.push_back(std::move(argument));
    } while (take(','));
    if (!take(')')) return fail("a closing parenthesis is wanted here");
    if (!row.many && node->arguments.size() != 1) return fail(std::string(row.name) + " takes one argument");
    if (row.fn == Fn::index && node->indices.empty()) return fail("index needs a number, as in index(e, 1)");
    if (row.fn == Fn::columns && node->indices.size() != 2)
      return fail("columns needs the first one and the one behind the last, as in columns(e, 0, 4)");
    if (row.fn == Fn::detections && (node->arguments.size() < 2 || node->arguments.size() > 3))
      return fail("detections takes boxes, scores and, where there are, classes");
    return NodePtr(node);
  }

  Result<int64_t> integer() {
    space();
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc{}) return fail("a whole number is wanted here");
    at_ = static_cast<size_t>(end - text_.data());
    return value;
  }

  std::string_view text_;
  std::span<const std::string> outputs_;
  size_t at_ = 0;
};

Result<SampleValue> index(SampleValue v, const Node& node) {
  size_t offset = 0, each = v.values.size();
  if (node.indices.size() > v.dims.size())
    return Error{Code::bad_decision,
                 spell(node) + " has " + std::to_string(node.indices.size()) + " indices, a sample has " +
                     std::to_string(v.dims.size()) + " axes",
                 spell(node), "the sample axis is not counted"};
  for (size_t d = 0; d < node.indices.size(); ++d) {
    const int64_t i = node.indices[d] + (node.indices[d] < 0 ? v.dims[d] : 0);
    if (i < 0 || i >= v.dims[d])
      return Error{Code::bad_decision,
                   "index " + std::to_string(node.indices[d]) + " is outside its axis of " + std::to_string(v.dims[d]),
                   spell(node), "indices count from 0"};
    each /= static_cast<size_t>(v.dims[d]);
    offset += static_cast<size_t>(i) * each;
  }
  SampleValue out;
  out.dims.assign(v.dims.begin() + static_cast<std::ptrdiff_t>(node.indices.size()), v.dims.end());
  out.values.assign(v.values.begin() + static_cast<std::ptrdiff_t>(offset),
                    v.values.begin() + static_cast<std::ptrdiff_t>(offset + each));
  return out;
}

// Columns of the last axis, from the first number up to but not including the second.
Result<SampleValue> columns(const SampleValue& v, const Node& node) {
  const int64_t have = v.dims.empty() ? 1 : v.dims.back(), from = node.indices[0], to = node.indices[1];
  if (from < 0 || from >= to || to > have)
    return Error{Code::bad_decision, spell(node) + " picks from " + std::to_string(have) + " columns", spell(node),
                 "columns count from 0, the second number stands behind the last one"};
  SampleValue out{v.dims, {}};
  if (out.dims.empty()) out.dims.push_back(1);
  out.dims.back() = to - from;
  for (auto row = v.values.begin(); row != v.values.end(); row += have)
    out.values.insert(out.values.end(), row + from, row + to);
  return out;
}

// Rows of four numbers of a box, a score and a class. Several scores a box: the largest, which gives the class.
Result<SampleValue> detections(const Node& node, std::span<const SampleValue> parts) {
  const Values &boxes = parts[0].values, &scores = parts[1].values;
  const size_t n = boxes.size() / 4, each = n == 0 ? 1 : scores.size() / n;
  const bool classes = parts.size() == 3, fits = parts[0].dims.empty() || parts[0].dims.back() == 4;
  if (!fits || boxes.size() % 4 != 0 || scores.size() != n * each || each == 0 || (classes && each != 1) ||
      (classes && parts[2].values.size() != n))
    return Error{Code::bad_decision,
                 spell(node) + " is given " + std::to_string(boxes.size()) + " numbers of boxes and " +
                     std::to_string(scores.size()) + " scores" +
                     (classes ? " and " + std::to_string(parts[2].values.size()) + " classes" : ""),
                 spell(node), "boxes need four numbers each, a score and a class each, or a score for every class"};
  SampleValue out{{static_cast<int64_t>(n), 6}, {}};
  for (size_t i = 0; i < n; ++i) {
    const std::span<const double> row(scores.data() + i * each, each);
    const auto best = std::max_element(row.begin(), row.end());
    const double label = classes ? parts[2].values[i] : static_cast<double>(best - row.begin());
    const double score = std::ranges::any_of(row, [](double s) { return std::isnan(s); })
                             ? std::numeric_limits<double>::quiet_NaN()
                             : *best;
    out.values.insert(out.values.end(), boxes.begin() + static_cast<std::ptrdiff_t>(4 * i),
                      boxes.begin() + static_cast<std::ptrdiff_t>(4 * i + 4));
    out.values.insert(out.values.end(), {score, label});
  }
  return out;
}

// What a function makes of its arguments.
Result<SampleValue> apply(const Node& node, std::vector<SampleValue> arguments) {
  if (node.row->fn == Fn::detections) return detections(node, arguments);
  SampleValue value = std::move(arguments[0]);
  if (node.row->fn == Fn::index) return index(std::move(value), node);
  if (node.row->fn == Fn::columns) return columns(value, node);
  for (size_t i = 1; i < arguments.size(); ++i)
    value.values.insert(value.values.end(), arguments[i].values.begin(), arguments[i].values.end());
  if (node.row->reduce != nullptr) return SampleValue{{}, {node.row->reduce(value.values)}};
  node.row->map(value);
  return value;
}

Result<SampleValue> evaluate(const Node& node, std::span<const SampleValue> outputs) {
  if (node.row == nullptr) return outputs[node.output];
  std::vector<SampleValue> arguments;
  for (const NodePtr& argument : node.arguments) {
    ASSAY_TRY(arguments.emplace_back(), evaluate(*argument, outputs));
  }
  return apply(node, std::move(arguments));
}

// Moves positive numbers apart by a part of them.
void move_apart(Score::Ends& ends, double part) {
  for (double& v : ends.low.values) v -= v * part;
  for (double& v : ends.high.values) v += v * part;
}

// Sums of all values but one.
Values sums_of_others(std::span<const double> x) {
  Values sums(x.size());
  double before = 0, after = 0;
  for (size_t i = 0; i < x.size(); before += x[i++]) sums[i] = before;
  for (size_t i = x.size(); i-- > 0; after += x[i]) sums[i] += after;
  return sums;
}

// A share grows with its own number and falls with all others. Shares too small for a float64 are taken to be as large
// as the least that is counted with, where that makes the interval wider.
void bound_softmax(Score::Ends& ends) {
  constexpr double kLeast = 1e-300;
  const size_t row = ends.low.dims.empty() ? 1 : static_cast<size_t>(ends.low.dims.back());
  for (size_t begin = 0; begin + row <= ends.low.values.size() && row > 0; begin += row) {
    const std::span<double> low(ends.low.values.data() + begin, row), high(ends.high.values.data() + begin, row);
    const double top = max_of(high);
    for (const std::span<double> x : {low, high}) {
      for (double& e : x) e -= top;
      num::apply(num::Function::exp, x.data(), x.data(), row);
    }
    for (double& e : high) e = std::max(e, kLeast);  // NaN stays: it is the first operand
    const Values least = sums_of_others(low), most = sums_of_others(high);
    for (size_t i = 0; i < row; ++i) {
      low[i] /= low[i] + most[i];
      high[i] /= high[i] + least[i];
    }
  }
  // The differences are off by half a unit in the last place of up to 745, sums by one for each term; both here and
  // where the score itself is computed.
  move_apart(ends, 0x1p-40 + static_cast<double>(row) * 0x1p-50);
}

// An end that is infinite says that nothing is known: the value may be NaN as well, which functions that would bring
// the end back into a range (sigmoid) hand on.
Score::Ends known(Score::Ends ends) {
  Values &low = ends.low.values, &high = ends.high.values;
  for (size_t i = 0; i < low.size() && i < high.size(); ++i)
    if (!std::isfinite(low[i]) || !std::isfinite(high[i])) low[i] = high[i] = std::numeric_limits<double>::quiet_NaN();
  return ends;
}

// Sums, means and choices never fall where an argument rises, roundings included; computed exponentials may, in their
// last places.
Result<Score::Ends> bound(const Node& node, std::span<const SampleValue> low, std::span<const SampleValue> high) {
  if (node.row == nullptr) return known({low[node.output], high[node.output]});
  std::vector<SampleValue> least, most;
  for (const NodePtr& argument : node.arguments) {
    ASSAY_TRY(Score::Ends ends, bound(*argument, low, high));
    least.push_back(std::move(ends.low));
    most.push_back(std::move(ends.high));
  }
  if (node.row->fn == Fn::softmax) {
    Score::Ends ends{std::move(least[0]), std::move(most[0])};
    bound_softmax(ends);
    return known(std::move(ends));
  }
  Score::Ends ends;
  ASSAY_TRY(ends.low, apply(node, std::move(least)));
  ASSAY_TRY(ends.high, apply(node, std::move(most)));
  if (node.row->fn == Fn::sigmoid) move_apart(ends, 0x1p-44);
  return known(std::move(ends));
}
}  // namespace

Result<Score> Score::parse(std::string_view text, std::span<const std::string> outputs) {
  if (text.size() > kLongest)
    return Error{Code::bad_decision, "the score expression is too long", "--score", "shorten it"};
  Score score;
  ASSAY_TRY(score.root_, Parser(text, outputs).parse());
  score.text_ = spell(*score.root_);
  collect(*score.root_, score.reads_);
  std::sort(score.reads_.begin(), score.reads_.end());
  score.reads_.erase(std::unique(score.reads_.begin(), score.reads_.end()), score.reads_.end());
  return score;
}

Score Score::of_output(size_t index, std::string name) {
  auto node = std::make_shared<Node>();
  node->output = index;
  node->name = std::move(name);
  Score score;
  score.text_ = spell(*node);
  score.reads_ = {index};
  score.root_ = std::move(node);
  return score;
}

int Score::plain_output() const { return root_->row == nullptr ? static_cast<int>(root_->output) : -1; }

namespace {
bool picks(const Node& node) {
  if (node.row == nullptr) return true;
  const Fn fn = node.row->fn;
  if (fn != Fn::index && fn != Fn::max && fn != Fn::min) return false;
  return std::ranges::all_of(node.arguments, [](const NodePtr& argument) { return picks(*argument); });
}
}  // namespace

bool Score::picks_outputs() const { return picks(*root_); }

namespace {
bool has_bounds(const Node& node) {
  if (node.row != nullptr && node.row->fn == Fn::detections) return false;
  return std::ranges::all_of(node.arguments, [](const NodePtr& argument) { return has_bounds(*argument); });
}
}  // namespace

bool Score::bounded() const { return has_bounds(*root_); }

Result<Score::Ends> Score::bounds(std::span<const SampleValue> low, std::span<const SampleValue> high) const {
  return audit::bound(*root_, low, high);
}

Result<SampleValue> Score::evaluate(std::span<const SampleValue> outputs) const {
  return audit::evaluate(*root_, outputs);
}

ir::ElemType score_type(std::span<const ir::ElemType> types) {
  ir::ElemType widest = ir::ElemType::undefined;
  for (const ir::ElemType type : types) {
    if (!ir::is_float(type)) continue;
    if (widest == ir::ElemType::undefined || ir::elem_bits(type) > ir::elem_bits(widest)) widest = type;
  }
  return widest == ir::ElemType::undefined ? ir::ElemType::float64 : widest;
}

void round_to(ir::ElemType type, Values& values) {
  if (type == ir::ElemType::float64 || !ir::is_float(type)) return;
  const num::Rounding rounding{.format = num::format(*ir::elem_format(type))};
  for (double& v : values)
    v = type == ir::ElemType::float32 ? static_cast<double>(static_cast<float>(v)) : num::round(v, rounding);
}

}  // namespace assay::audit
