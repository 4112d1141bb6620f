// What changes from one decision to another, in words and counts.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "audit/decision/boxes.h"
#include "audit/decision/rule.h"
#include "base/text.h"

namespace assay::audit {
namespace {
using Kind = Rule::Kind;
using List = std::vector<int64_t>;
constexpr size_t kMostInWords = 5;   // pairs, labels
constexpr size_t kMostSymbols = 24;  // of a string

std::string numbers(const List& list, const char* separator, size_t most) {
  std::vector<std::string> out;
  for (size_t i = 0; i < list.size() && i < most; ++i) out.push_back(std::to_string(list[i]));
  if (list.size() > most) out.emplace_back("...");
  return join(out, separator);
}

std::string counted(uint64_t n, const char* one, const char* many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

// Pairs whose order differs. An item that is not among the first K comes behind all that are.
Change swaps(const List& a, const List& b) {
  List items = a;
  for (const int64_t i : b)
    if (std::ranges::find(a, i) == a.end()) items.push_back(i);
  const auto place = [&](const List& order) {
    std::vector<size_t> out;
    for (const int64_t i : items) out.push_back(static_cast<size_t>(std::ranges::find(order, i) - order.begin()));
    return out;
  };
  const std::vector<size_t> in_a = place(a), in_b = place(b);
  Change change;
  uint64_t swapped = 0;
  std::vector<std::string> words;
  for (size_t i = 0; i < items.size(); ++i) {
    for (size_t j = i + 1; j < items.size(); ++j) {
      const bool swap = (in_a[i] < in_a[j] && in_b[i] > in_b[j]) || (in_a[i] > in_a[j] && in_b[i] < in_b[j]);
      if (!swap) continue;
      ++swapped;
      if (change.pairs.size() < Change::kMostPairs) change.pairs.push_back({items[i], items[j]});
      if (words.size() < kMostInWords) words.push_back(std::to_string(items[i]) + "<>" + std::to_string(items[j]));
    }
  }
  if (swapped == 0) return {};
  if (swapped > words.size()) words.emplace_back("...");
  change.words = counted(swapped, "pair swaps: ", "pairs swap: ") + join(words, ", ");
  change.counts = {{"swapped", swapped}};
  return change;
}

Change labels(const List& a, const List& b) {
  List lost, found;
  std::ranges::set_difference(a, b, std::back_inserter(lost));
  std::ranges::set_difference(b, a, std::back_inserter(found));
  std::vector<std::string> words;
  if (!found.empty())
    words.push_back((found.size() == 1 ? "label " : "labels ") + numbers(found, ", ", kMostInWords) +
                    (found.size() == 1 ? " appears" : " appear"));
  if (!lost.empty())
    words.push_back((lost.size() == 1 ? "label " : "labels ") + numbers(lost, ", ", kMostInWords) +
                    (lost.size() == 1 ? " disappears" : " disappear"));
  return {join(words, "; "), {{"appear", found.size()}, {"disappear", lost.size()}}, {}};
}

// Least number of symbols put in, taken out or replaced.
uint64_t edit_distance(const List& a, const List& b) {
  std::vector<uint64_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), uint64_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    uint64_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const uint64_t kept = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({kept, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string symbols(const List& list) { return list.empty() ? "nothing" : numbers(list, " ", kMostSymbols); }

Change strings(const List& a, const List& b) {
  const uint64_t edits = edit_distance(a, b);
  if (edits == 0) return {};
  return {"edit distance " + std::to_string(edits) + ": " + symbols(a) + " -> " + symbols(b), {{"edits", edits}}, {}};
}

Change boxes(const Decision& a, const Decision& b, double iou) {
  const BoxMatch m = match(a.detections, b.detections, iou);
  if (m.same()) return {};
  std::vector<std::string> words;
  const auto say = [&](uint64_t n, const char* what, const char* many) {
    if (n > 0)
      words.push_back((words.empty() ? counted(n, "box ", "boxes ") : std::to_string(n) + " ") +
                      (n == 1 ? what : many));
  };
  say(m.lost, "lost", "lost");
  say(m.found, "new", "new");
  say(m.moved, "moved", "moved");
  say(m.relabelled, "changes its class", "change their class");
  return {
      join(words, ", "), {{"lost", m.lost}, {"new", m.found}, {"moved", m.moved}, {"class_changed", m.relabelled}}, {}};
}

// The element that is farthest beyond what is allowed; NaN and infinities first.
Change beyond(const std::vector<double>& a, const std::vector<double>& b, const Rule& rule) {
  uint64_t count = 0;
  size_t worst = 0;
  double most = -1;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double apart = std::abs(b[i] - a[i]);
    const double excess =
        std::isfinite(apart) ? apart - (rule.abs_tolerance + rule.rel_tolerance * std::abs(a[i])) : HUGE_VAL;
    if (!(excess > 0)) continue;
    ++count;
    if (excess > most) most = excess, worst = i;
  }
  if (count == 0) return {};
  const double allowed = rule.abs_tolerance + rule.rel_tolerance * std::abs(a[worst]);
  return {counted(count, "value", "values") + " of " + std::to_string(a.size()) +
              " beyond the tolerance; the worst, element " + std::to_string(worst) + ", is " + shortest(b[worst]) +
              " for " + shortest(a[worst]) +
              (std::isfinite(allowed) ? ", " + shortest(allowed) + " is allowed" : std::string()),
          {{"beyond", count}, {"element", worst}},
          {}};
}
}  // namespace

Change Judge::change(const Decision& reference, const Decision& other) const {
  if (reference.undefined() || other.undefined()) {
    if (rule_.decides_class() || rule_.kind == Kind::topk || reference.undefined() == other.undefined()) return {};
    return {reference.undefined() ? "undefined in the reference" : "undefined here", {}, {}};
  }
  switch (rule_.kind) {
    case Kind::threshold:
    case Kind::argmax:
    case Kind::topk:
      return {};
    case Kind::ranking:
      return swaps(reference.top, other.top);
    case Kind::boxes:
      return boxes(reference, other, rule_.iou);
    case Kind::ctc:
    case Kind::sequence:
      return strings(reference.top, other.top);
    case Kind::tolerance:
      return beyond(reference.values, other.values, rule_);
    case Kind::multilabel:
      break;
  }
  return reference.top == other.top ? Change{} : labels(reference.top, other.top);
}

}  // namespace assay::audit
