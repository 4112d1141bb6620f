// What a device made of the probes: which policy it runs, group by group, and a profile that says so.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/fingerprint/fit.h"
#include "audit/probe/probes.h"
#include "base/result.h"
#include "profiles/profile.h"

namespace assay::audit {

/// The cases of one way to run a device: "" for a recorder of `probe make`, "f32.tf32_on" and the like of a PyTorch
/// recording that has several.
struct ProbeMode {
  std::string name;
  std::vector<FitCase> cases;
};

struct ProbeRecording {
  std::vector<ProbeMode> modes;
  std::vector<std::string> unused{};  ///< arrays that are of no probe
  std::string device;                 ///< what recorded them, for evidence; may be empty
};

/// Reads arrays that recorders wrote; `provenance` is the recording's text (docs/recording.md) or empty. Errors:
/// data_missing where no array is of a probe; record_mismatch where a probe was another; data_malformed.
Result<ProbeRecording> read_probes(const Arrays& arrays, const std::string& provenance, const std::string& where);

/// Whether the arrays are of a PyTorch device recording ("dot/f16.default/ones_1024/y"), and its cases.
bool is_torch_recording(const Arrays& arrays);
Result<ProbeRecording> read_torch(const Arrays& arrays);

/// How the likeliest policy does on one probe, or on one group of them.
struct ProbeFit {
  std::string name;
  FitGroup::Kind kind = FitGroup::Kind::excluded;
  uint64_t elements = 0, equal = 0, worst_steps = 0;
  double max_abs = 0;
  double bound = 0, used = 0;        ///< what "within rounding" allows, and the largest share of it (Allowance)
  std::vector<std::string> exact{};  ///< policies that give all of its bits, the likeliest first
  /// Of a function that the policy does not give: straight segments that what was recorded needs, and what the policy
  /// gives. Less than two thirds, and values more than two steps away: the device looks the function up in a table.
  /// Neither is counted where the values are not those of such a function at all.
  size_t segments = 0, segments_expected = 0;
  /// What a function gave for every argument ("NaN", "0.5") where the policy gives different values; else empty.
  std::string constant{};
  bool by_table() const { return segments > 0 && 3 * segments < 2 * segments_expected && worst_steps > 2; }
};
struct GroupVerdict : ProbeFit {
  std::vector<ProbeFit> probes{};
};

struct ProbeVerdict {
  std::string mode;
  FitResult fit;
  std::vector<GroupVerdict> groups;
};

/// The numeric classes of which no probe was recorded, of those that probes show: what a verdict cannot speak of.
std::vector<std::string> not_probed(const ProbeVerdict& verdict);

/// In small letters of ASCII, as the groups of probes are called.
std::string lower(std::string_view text);

/// Whether the likeliest policy is one at all: at least an eighth of the values are equal.
bool fits(const ProbeVerdict& verdict);

/// Errors: as fit().
Result<ProbeVerdict> judge_probes(ProbeMode mode, const std::vector<Hypothesis>& named,
                                  std::shared_ptr<const Threads> threads, const FitOptions& options);

/// How many straight segments follow y over the ascending x, each value within half a step of its lattice. Values that
/// are not finite are on none.
size_t straight_segments(const ir::Tensor& x, const ir::Tensor& y);
/// Whether y is a function's value or near it: finite where it is, and within an eighth of its range.
bool follows(const ir::Tensor& y, const ir::Tensor& function);
/// Whether all values are equal (any NaN to any other).
bool same_everywhere(const ir::Tensor& y);

/// The likeliest policy as a profile called `name`, each statement with the probes that it rests on; what no probe
/// showed is said apart, as assumed.
profiles::Profile profile_of(const ProbeVerdict& verdict, const std::string& name, const std::string& device);

}  // namespace assay::audit
