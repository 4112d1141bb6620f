#include <cmath>

#include "audit/metrics/counts.h"
#include "num/ulp.h"

namespace assay::audit {
namespace {
__extension__ using Wide = unsigned __int128;

// The upper 16 bits of the bit pattern that orders the type's values as numbers.
uint16_t bucket_of(double score, ir::ElemType type) {
  if (type == ir::ElemType::float64) return static_cast<uint16_t>(num::ordered_key(score) >> 48);
  if (type == ir::ElemType::float16) {
    const uint16_t bits = num::float16_bits(score == 0 ? 0.0 : score);
    return static_cast<uint16_t>((bits & 0x8000u) != 0 ? ~bits : bits | 0x8000u);
  }
  // +0 and -0 are the same score.
  const float value = score == 0 ? 0.0f : static_cast<float>(score);
  return static_cast<uint16_t>(num::ordered_key(value) >> 16);
}

double ratio(uint64_t part, uint64_t whole) { return static_cast<double>(part) / static_cast<double>(whole); }

struct ClassCounts {
  uint64_t hits = 0, labelled = 0, decided = 0;
};

std::optional<double> precision_of(const ClassCounts& c) {
  return c.decided == 0 ? std::nullopt : std::optional(ratio(c.hits, c.decided));
}
std::optional<double> recall_of(const ClassCounts& c) {
  return c.labelled == 0 ? std::nullopt : std::optional(ratio(c.hits, c.labelled));
}
std::optional<double> f1_of(const ClassCounts& c) {
  return c.labelled + c.decided == 0 ? std::nullopt : std::optional(ratio(2 * c.hits, c.labelled + c.decided));
}

// Mean over the classes for which it is defined, in order of the classes.
std::optional<double> macro(const std::map<int64_t, ClassCounts>& classes,
                            std::optional<double> (*one)(const ClassCounts&)) {
  double sum = 0;
  uint64_t n = 0;
  for (const auto& [label, counts] : classes) {
    if (const auto value = one(counts)) {
      sum += *value;
      ++n;
    }
  }
  return n == 0 ? std::nullopt : std::optional(sum / static_cast<double>(n));
}
}  // namespace

void Buckets::add(double score, ir::ElemType type, bool positive) {
  if (!std::isnan(score)) ++counts[bucket_of(score, type)][positive ? 1 : 0];
}

void Buckets::merge(const Buckets& other) {
  for (const auto& [bucket, n] : other.counts) {
    auto& mine = counts[bucket];
    mine[0] += n[0];
    mine[1] += n[1];
  }
}

std::optional<Auc> auc_of(const Buckets& buckets) {
  // Twice the number of (negative, positive) pairs in the right order, those within one bucket counted as halves;
  // exact.
  Wide doubled = 0, tied = 0;
  uint64_t negatives = 0, positives = 0;
  for (const auto& [bucket, n] : buckets.counts) {
    doubled += static_cast<Wide>(n[1]) * (2 * static_cast<Wide>(negatives) + n[0]);
    tied += static_cast<Wide>(n[1]) * n[0];
    negatives += n[0];
    positives += n[1];
  }
  if (negatives == 0 || positives == 0) return std::nullopt;
  const double pairs = 2 * static_cast<double>(static_cast<Wide>(negatives) * positives);
  return Auc{static_cast<double>(doubled) / pairs, static_cast<double>(tied) / pairs};
}

void Tally::merge(const Tally& other) {
  for (const auto& [decision, n] : other.decisions) decisions[decision] += n;
  for (const auto& [cell, n] : other.cells) cells[cell] += n;
  buckets.merge(other.buckets);
  non_finite += other.non_finite;
}

Metrics metrics_of(const Tally& tally, Rule::Kind kind) {
  Metrics metrics;
  std::map<int64_t, ClassCounts> classes;
  uint64_t total = 0, right = 0;
  for (const auto& [cell, n] : tally.cells) {
    const auto [label, decision] = cell;
    total += n;
    classes[label].labelled += n;
    if (decision != Decision::kUndefined) classes[decision].decided += n;
    if (label != decision) continue;
    right += n;
    classes[label].hits += n;
  }
  if (total == 0) return metrics;
  metrics.accuracy = ratio(right, total);
  if (kind == Rule::Kind::threshold) {
    metrics.precision = precision_of(classes[1]);
    metrics.recall = recall_of(classes[1]);
    metrics.f1 = f1_of(classes[1]);
    metrics.auc = auc_of(tally.buckets);
  } else if (kind == Rule::Kind::argmax) {
    metrics.precision = macro(classes, precision_of);
    metrics.recall = macro(classes, recall_of);
    metrics.f1 = macro(classes, f1_of);
  }
  return metrics;
}

}  // namespace assay::audit
