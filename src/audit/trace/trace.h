// What a lock-step run says of each operation: the error that it introduces, the error that has accumulated when it has
// run, the range of its values, and beside each error its noise floor. All of it counts, maxima and minima by sample:
// parts of a data set add up to what the whole gives. Meanings: docs/trace.md.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "audit/metrics/counts.h"
#include "ir/type.h"

namespace assay::audit {

/// Signal-to-noise ratio, 10 log10(sum r^2 / sum (c - r)^2), of each sample's elements of one value.
struct Snr {
  Histogram decibels;      ///< samples by floor(dB); those without any error are in `exact`
  uint64_t exact = 0;      ///< samples without error
  uint64_t undefined = 0;  ///< samples with a NaN or an infinity on one side
  double worst = 0;        ///< least dB among those in `decibels`
  int64_t worst_sample = -1;
  void add(double signal, double noise, int64_t sample);
  void merge(const Snr& other);
  /// floor(dB) of the sample in the middle, the worse one of two; nothing where half of them or more are exact.
  std::optional<int> median() const;
};

/// How far one value is from what it is compared with. `values` has no histograms.
struct Distance {
  Differences values;
  Snr snr;
  uint64_t misshapen = 0;  ///< samples in which the two have different shapes; not compared
  void merge(const Distance& other);
};

/// The values of one operation's result on one side, over all samples.
struct Range {
  uint64_t elements = 0, zeros = 0, subnormals = 0, infinities = 0, nans = 0;
  uint64_t saturated = 0;              ///< at the largest finite value, or at the flat end of an activation
  double largest = 0;                  ///< magnitude of the largest finite element
  double smallest = 0;                 ///< magnitude of the smallest element that is not zero; 0: there is none
  int64_t first_non_finite = -1;       ///< the first sample in which there is a NaN or an infinity
  int64_t first_all_zero = -1;         ///< the first sample in which all elements are zero
  uint64_t all_zero = 0, all_nan = 0;  ///< samples
  void merge(const Range& other);
};

/// Samples in which the candidate has something that the reference has not.
struct Lost {
  uint64_t samples = 0;
  int64_t first = -1;
  void add(int64_t sample);
  void merge(const Lost& other);
};

/// What an operation does to the numbers.
enum class Verdict : uint8_t {
  exact,     ///< fed with the reference's operands it gives the reference's result
  ordinary,  ///< it rounds as its format must
  follows,   ///< no finite number: an operand of the reference's is beyond what the candidate stores
  guilty,    ///< it introduces more than that
  breaks,    ///< it is the first that gives NaN, infinity or nothing but zeros where the reference does not
};
std::string_view verdict_name(Verdict verdict);

/// One operation of the model (main graph), by its first floating-point result.
struct TraceOp {
  size_t id = 0;                                 ///< number of the operation in the imported graph
  std::string name;                              ///< of the value that it writes
  std::string node;                              ///< the node's own name; may be empty
  std::string type;                              ///< "Conv"
  std::string dims;                              ///< of the result in the first sample, "[1,64,56,56]"
  std::vector<size_t> from;                      ///< indices into TraceResult::ops of those whose results it reads
  ir::ElemType storage = ir::ElemType::float32;  ///< of the candidate's result
  /// Significand bits, the hidden one too, of the narrowest format among its operands, steps and result.
  int precision = 24;
  uint64_t terms = 1;    ///< of the sum that makes one element, where each addition is rounded to a format of its own
  double limit = 0;      ///< largest finite value of the candidate's storage (or where the unit overflows); headroom is
                         ///< log2(limit / candidate.largest)
  Distance introduced;   ///< fed with the reference's operands, against the reference's result
  Distance accumulated;  ///< in the candidate's own run, against the reference's result
  /// The same two of the candidate with nothing changed but the order of its sums, against the candidate.
  Distance noise_introduced, noise_accumulated;
  Distance exact_reference, exact_candidate;  ///< each accumulated, against float64
  Range reference, candidate;
  Lost infinite, nan, all_nan, all_zero;
  int64_t first_sample = -1;  ///< that `dims` is of; not kept in files
  void merge(const TraceOp& other);

  /// What rounding to `precision` bits gives at the reference's largest magnitude: half a ULP, times the square root of
  /// `terms`, as roundings that know nothing of each other add up.
  double rounding() const;
  /// introduced.max_abs over the larger of the noise floor and rounding(); 0: it is exact.
  double excess() const;
  /// Decibels by which the median sample's introduced error is above what rounding gives; and above
  /// the noise floor's, where there is one. 0: not above. The median: a single number that comes out near zero by
  /// cancellation has few right digits in any format.
  double excess_decibels() const;
  /// exact, ordinary or guilty: guilty beyond kOrdinaryFactor or kOrdinaryDecibels, unless the reference is off.
  Verdict introduces() const;
  /// Whether the reference is further from float64 than rounding explains, and no nearer than half of the candidate.
  bool reference_is_off() const;
  /// Whether the candidate has nothing but zeros in a sample where the reference has numbers that mean something.
  bool loses_all() const;
};
inline constexpr double kOrdinaryFactor = 16, kOrdinaryDecibels = 24;

/// What breaks down as a whole, with the first operation where it does.
struct Breakdown {
  std::string what;  ///< "all NaN", "NaN", "infinite", "all zero"
  size_t op = 0;     ///< index into TraceResult::ops
  int64_t sample = 0;
  uint64_t samples = 0;
};

struct TraceOptions {
  bool introduced = true;      ///< feed each operation with the reference's operands too
  uint64_t exact_samples = 8;  ///< of the whole data set: those also run in float64 and with sums in another order
  int64_t first_sample = 0;    ///< place of the data at hand in the whole data set
};

struct TraceResult {
  std::string variant;      ///< of the candidate
  std::string noise_order;  ///< in words: what the order of sums was changed to; empty: it has no other order
  uint64_t samples = 0;
  uint64_t exact_samples = 0;  ///< samples, the first of the data set, on which float64 and the noise floor were run
  std::vector<TraceOp> ops;    ///< in order of execution
  std::vector<Breakdown> breakdowns() const;
  /// The one to blame: of those that overflow by themselves, else of all, the first in order of execution.
  std::optional<Breakdown> first_breakdown() const;
  std::vector<Verdict> verdicts() const;  ///< by op
  Verdict verdict(size_t op) const { return verdicts()[op]; }
  /// Operations that introduce error, the worst first: those that break, then by excess.
  std::vector<size_t> ranking() const;
  void merge(const TraceResult& other);

 private:
  bool overflows(size_t op) const;
};

/// Two models that should be the same in exact arithmetic, both run in float64.
struct Conversion {
  enum class Outcome : uint8_t {
    unknown,   ///< no output has an element that says something: NaN alone
    same,      ///< equal but for float64's own rounding
    narrowed,  ///< no further apart than the rounding of constants may explain
    changed,   ///< the mathematics differs
  };
  Outcome outcome = Outcome::unknown;
  uint64_t samples = 0;   ///< the first of the data set
  uint64_t compared = 0;  ///< values that both have
  /// The first value, in order of execution, that parts; empty names: none. Where the outcome is `same` no output shows
  /// it.
  size_t position = 0;
  std::string reference, candidate;  ///< its names
  std::string type;                  ///< of the operation that writes it in the reference's model
  int64_t sample = -1;
  double max_abs = 0, max_rel = 0;  ///< there, in that sample; max_rel relative to the value's largest magnitude
  /// Values that the reference computes on the way there from the nearest ones that both have; the candidate has none
  /// of the name. In order of execution, "d" (Clip).
  std::vector<std::pair<std::string, std::string>> absent;
  void merge(const Conversion& other);
};
std::string_view outcome_name(Conversion::Outcome outcome);

}  // namespace assay::audit
