// Counts of known n-grams in each row, maybe with items left out between theirs. The n-grams are the paths of a tree of
// items, which is made once.
#include <algorithm>
#include <unordered_map>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"
#include "ops/prepared.h"

namespace assay::ops {
namespace {

constexpr int64_t kMaxColumns = int64_t{1} << 28;

enum class Weighting : uint8_t { counts, presence, weighted };

struct Edge {
  int64_t node, item;
  friend bool operator==(const Edge&, const Edge&) = default;
};
struct EdgeHash {
  size_t operator()(const Edge& e) const {
    return (static_cast<size_t>(e.node) * 0x9e3779b97f4a7c15U) ^ (static_cast<size_t>(e.item) * 0xc2b2ae3d27d4eb4fU);
  }
};

struct Vocabulary {
  Weighting weighting = Weighting::counts;
  int64_t least = 1, most = 1, skips = 0, columns = 0;
  std::vector<int64_t> column;                     ///< of each n-gram of the pool
  std::vector<float> weights;                      ///< one an n-gram; empty: all 1
  std::unordered_map<std::string, int64_t> words;  ///< strings as items
  std::unordered_map<Edge, int64_t, EdgeHash> edges;
  std::vector<int64_t> gram{-1};  ///< by node: the n-gram that ends there, -1: none

  int64_t child(int64_t node, int64_t item) const {
    const auto found = edges.find({node, item});
    return found == edges.end() ? -1 : found->second;
  }
  int64_t add_child(int64_t node, int64_t item) {
    const auto [at, added] = edges.emplace(Edge{node, item}, static_cast<int64_t>(gram.size()));
    if (added) gram.push_back(-1);
    return at->second;
  }
};

Error broken(const std::string& where, std::string message) {
  return Error{Code::model_invalid, "tfidfvectorizer_c1: " + std::move(message), where, "check the export"};
}

/// The pool as integers; a string is its number among the words.
Result<ir::Dims> pool_items(const ir::Op& op, const std::string& where, Vocabulary& v) {
  const bool strings = op.has_attr("pool_strings");
  if (strings == op.has_attr("pool_int64s")) return broken(where, "one of pool_strings and pool_int64s must be given");
  if (!strings) return op.attr_ints("pool_int64s");
  ir::Dims items;
  for (const std::string& word : op.attr_strings("pool_strings"))
    items.push_back(v.words.emplace(word, static_cast<int64_t>(v.words.size())).first->second);
  return items;
}

/// Adds the n-grams of one length, which are `items`; `next` counts all n-grams of the pool.
Status add_grams(std::span<const int64_t> items, size_t length, size_t& next, const std::string& where, Vocabulary& v) {
  if (items.size() % length != 0)
    return broken(where,
                  std::to_string(items.size()) + " items of the pool are no " + std::to_string(length) + "-grams");
  const auto n = static_cast<int64_t>(length);
  for (size_t at = 0; at < items.size(); at += length, ++next) {
    if (n < v.least || n > v.most) continue;
    if (next >= v.column.size())
      return broken(where, "ngram_indexes has " + std::to_string(v.column.size()) + " entries, fewer than n-grams");
    int64_t node = 0;
    for (const int64_t item : items.subspan(at, length)) node = v.add_child(node, item);
    v.gram[static_cast<size_t>(node)] = static_cast<int64_t>(next);
  }
  return {};
}

Status read_numbers(const ir::Op& op, const std::string& where, size_t lengths, Vocabulary& v) {
  const std::string mode = op.attr_string("mode", "");
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF") return broken(where, "mode is not TF, IDF or TFIDF");
  v.weighting = mode == "TF" ? Weighting::counts : mode == "IDF" ? Weighting::presence : Weighting::weighted;
  v.least = op.attr_int("min_gram_length", 0);
  v.most = op.attr_int("max_gram_length", 0);
  v.skips = op.attr_int("max_skip_count", 0);
  if (v.least < 1 || v.most < v.least || v.most > static_cast<int64_t>(lengths))
    return broken(where, "n-grams of " + std::to_string(v.least) + " to " + std::to_string(v.most) +
                             " items do not fit ngram_counts, which has " + std::to_string(lengths) + " entries");
  if (v.skips < 0) return broken(where, "max_skip_count is negative");
  return {};
}

Result<std::shared_ptr<const Vocabulary>> vocabulary_of(const ir::Op& op, const std::string& where) {
  auto made = std::make_shared<Vocabulary>();
  Vocabulary& v = *made;
  const ir::Dims starts = op.attr_ints("ngram_counts");
  v.column = op.attr_ints("ngram_indexes");
  ASSAY_CHECK(read_numbers(op, where, starts.size(), v));
  if (v.column.empty() || std::ranges::min(v.column) < 0)
    return broken(where, "ngram_indexes is empty or has a negative entry");
  if (std::ranges::max(v.column) >= kMaxColumns)
    return broken(where, "ngram_indexes asks for " + std::to_string(std::ranges::max(v.column)) + " columns");
  v.columns = std::ranges::max(v.column) + 1;
  if (v.weighting != Weighting::counts) v.weights = op.attr_floats("weights");
  if (!v.weights.empty() && v.weights.size() != v.column.size())
    return broken(where, "weights has " + std::to_string(v.weights.size()) + " entries, ngram_indexes " +
                             std::to_string(v.column.size()));
  if (op.policy.attribute) num::round_in_place(v.weights.data(), v.weights.size(), *op.policy.attribute);
  ASSAY_TRY(const ir::Dims items, pool_items(op, where, v));
  size_t next = 0;
  for (size_t k = 0; k < starts.size(); ++k) {
    const int64_t begin = starts[k], end = k + 1 < starts.size() ? starts[k + 1] : static_cast<int64_t>(items.size());
    if (begin < 0 || end < begin || end > static_cast<int64_t>(items.size()))
      return broken(where, "ngram_counts: " + std::to_string(begin) + " to " + std::to_string(end) +
                               " are no places in a pool of " + std::to_string(items.size()));
    const auto grams = std::span(items).subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
    ASSAY_CHECK(add_grams(grams, k + 1, next, where, v));
  }
  return std::shared_ptr<const Vocabulary>(std::move(made));
}

/// Adds the n-grams of a row that start at each item to `counts`.
void count(const Vocabulary& v, std::span<const int64_t> row, std::vector<int64_t>& counts) {
  const auto size = static_cast<int64_t>(row.size());
  const int64_t farthest = std::min(v.skips, std::max<int64_t>(size - 1, 0)) + 1;
  for (int64_t distance = 1; distance <= farthest; ++distance) {
    // One item alone skips nothing: it is counted once.
    const int64_t least = distance == 1 ? v.least : std::max<int64_t>(v.least, 2);
    for (int64_t begin = 0; begin < size; ++begin) {
      int64_t node = 0, at = begin;
      for (int64_t n = 1; n <= v.most && at < size; ++n, at += distance) {
        node = v.child(node, row[static_cast<size_t>(at)]);
        if (node < 0) break;
        const int64_t gram = v.gram[static_cast<size_t>(node)];
        if (n >= least && gram >= 0) ++counts[static_cast<size_t>(gram)];
      }
    }
  }
}

ir::Dims items_of(const ir::Tensor& t, const Vocabulary& v) {
  if (t.elem() != ir::ElemType::string) return t.ints();
  ir::Dims items;
  for (const std::string& word : t.strings()) {
    const auto found = v.words.find(word);
    items.push_back(found == v.words.end() ? -1 : found->second);
  }
  return items;
}

/// The columns of a row: those of n-grams that share one are added up, in the pool's order.
template <class T>
void weigh(const num::Arith<T>& arith, const Vocabulary& v, const std::vector<int64_t>& counts, std::vector<T>& out) {
  std::ranges::fill(out, T(0));
  for (size_t g = 0; g < counts.size(); ++g) {
    if (counts[g] == 0) continue;
    T term = v.weighting == Weighting::presence ? T(1) : static_cast<T>(counts[g]);
    if (!v.weights.empty()) term = arith.mul(term, T(v.weights[g]));
    T& column = out[static_cast<size_t>(v.column[g])];
    column = arith.add(column, term);
  }
}

template <class T>
void run(KernelContext& c, const Vocabulary& v, int64_t rows) {
  const num::Arith<T> arith(c.policy());
  const ir::Dims items = items_of(c.in(0), v);
  const size_t width = rows == 0 ? 0 : items.size() / static_cast<size_t>(rows);
  std::vector<int64_t> counts(v.column.size());
  std::vector<T> out(static_cast<size_t>(v.columns));
  for (int64_t r = 0; r < rows; ++r) {
    std::ranges::fill(counts, 0);
    count(v, std::span(items).subspan(static_cast<size_t>(r) * width, width), counts);
    weigh(arith, v, counts, out);
    store(c.out(0), r * v.columns, out.size(), out.data(), c.policy());
  }
}

Status eval(KernelContext& c) {
  ASSAY_TRY(const auto made, made_of(c, vocabulary_of));
  const Vocabulary& v = *made;
  const ir::Dims& in = c.in(0).dims();
  const ir::Dims out = in.size() == 2 ? ir::Dims{in[0], v.columns} : ir::Dims{v.columns};
  ASSAY_CHECK(check_size(c, out));
  if (c.outputs[0].empty_handle()) c.allocate(0, out);
  const int64_t rows = in.size() == 2 ? in[0] : 1;
  computes_float64(c) ? run<double>(c, v, rows) : run<float>(c, v, rows);
  return {};
}

Status infer(InferContext& c) {
  ASSAY_TRY(const auto v, vocabulary_of(c.op(), c.where()));
  if (c.elem(0) != ir::ElemType::undefined && (c.elem(0) == ir::ElemType::string) == v->words.empty())
    return c.fail("tfidfvectorizer_c2", "the pool has another type than X");
  if (!c.ranked(0)) {
    c.set(0, ir::ElemType::float32, std::nullopt);
    return {};
  }
  if (c.rank(0) > 2) return c.fail("tfidfvectorizer_c3", "X must be [C] or [N, C]");
  std::vector<ir::Dim> out{v->columns};
  if (c.rank(0) == 2) out.insert(out.begin(), c.shape(0)[0]);
  c.set(0, ir::ElemType::float32, std::move(out));
  return {};
}

constexpr In kIn[] = {{"X", kStrings | kIndices}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {
    {"max_gram_length", ""}, {"max_skip_count", ""}, {"min_gram_length", ""}, {"mode", ""},    {"ngram_counts", ""},
    {"ngram_indexes", ""},   {"pool_int64s", "-"},   {"pool_strings", "-"},   {"weights", "-"}};

}  // namespace

extern const OpDef kTfIdfVectorizer = {
    .name = "TfIdfVectorizer",
    .since = 9,
    .doc = "How often each n-gram of a pool occurs in each row, as counts or times weights.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::elementwise,
    .infer = infer,
    .eval = eval,
    .prepare = prepare_with<Vocabulary, vocabulary_of>,
    .to_mil = {nullptr, "no operator counts n-grams"},
    .to_nn = {nullptr, "no layer counts n-grams"},
};

}  // namespace assay::ops
