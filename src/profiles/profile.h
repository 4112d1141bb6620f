// Device profiles: data that says which numeric policy each kind of operation gets, with evidence (profiles/*.toml).
// What the keys of a profile file mean: docs/profiles.md.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ir/type.h"
#include "num/policy.h"

namespace assay::profiles {

/// More than this is a product of choices, not a list of devices that could exist (docs/semantics.md, "Variants").
inline constexpr size_t kMaxVariants = 6;

/// Where a statement is known from, and how sure it is.
struct Evidence {
  std::string source;     ///< in full: repository and path, document and section, issue
  std::string certainty;  ///< one of certainties()
};
/// definition, measured, vendor, source-code, recomputed, inferred, assumed.
std::span<const std::string> certainties();

/// What an operation must be for a statement to apply; empty fields match everything.
struct Match {
  std::vector<std::string> ops;      ///< operator names ("Conv", "com.microsoft.Gelu"); empty: all
  std::vector<std::string> classes;  ///< numeric classes: contraction, elementwise, reduction, composite, ...
  std::string declared;              ///< declared element type of the output ("float32")
  bool matrix_only = false;          ///< products with M >= 2 and N >= 2 (a vector goes another way)
};

/// Sets fields of the policy of the operations that match; later statements override earlier ones field by field.
struct Statement {
  Match match;
  std::map<std::string, std::string> settings;  ///< as written, for `profiles show`
  num::Policy policy;                           ///< the settings' values ...
  uint32_t fields = 0;                          ///< ... and which fields they set (bits; profiles/settings.h)
  Evidence evidence;
  int line = 0;
};

struct NotModelled {
  std::string what, reason;
  Evidence evidence;
};

/// How float32 values are kept between operations.
struct Storage {
  ir::ElemType type = ir::ElemType::float32;  ///< float32, float64, float16 or bfloat16
  /// What an operation returns, unless a statement says otherwise; absent: nothing to round (float32, float64).
  std::optional<num::Rounding> results;
  std::optional<num::Rounding> inputs;   ///< graph inputs
  std::optional<num::Rounding> weights;  ///< constants
};

struct Variant {
  std::string name;
  std::string doc;
  Storage storage;
  std::vector<Statement> statements;  ///< the profile's common ones, then the variant's own
  size_t own = 0;                     ///< how many of them, at the end, are the variant's own
  /// Values declared float16 are stored in float32 between operations (declared types are a minimum).
  bool widens = false;
};

struct Profile {
  std::string name;
  std::string doc;
  /// The primary variant's: type in which float32 values are stored: float32, float16, bfloat16, float64.
  ir::ElemType storage = ir::ElemType::float32;
  std::vector<Variant> variants;  ///< complete, at least one, the likeliest (primary) first
  std::vector<NotModelled> not_modelled;
  std::string file;
  bool storage_only = false;  ///< primary variant: strict-f32 arithmetic and storage rounding only
};

/// What a statement is matched against.
struct OpQuery {
  std::string_view domain, op;
  std::string_view numeric;  ///< name of ops::Numeric
  ir::ElemType declared = ir::ElemType::float32;
  bool matrix = true;
};

/// The policy that the variant gives to an operation. Operations declared float64 get plain float64 arithmetic;
/// those declared float16 or bfloat16 under another storage round to their own type.
num::Policy policy_for(const Profile& profile, size_t variant, const OpQuery& query);

/// 16 hexadecimal digits over what the profile does: the storage and the statements of every variant. Texts and
/// evidence do not count.
std::string identity_of(const Profile& profile);

/// The first thing in the variant that plain ONNX with Casts cannot say, as text ("contraction: accumulator = ...
/// (file:line)"); nothing when the variant is storage rounding over strict-f32 arithmetic (--emit-onnx).
std::optional<std::string> not_expressible(const Profile& profile, size_t variant);
inline bool storage_only(const Profile& profile, size_t variant) { return !not_expressible(profile, variant); }

/// The built-in profiles, sorted by name (compiled into the library from profiles/*.toml; parsed on first use).
std::span<const Profile> built_in_profiles();
/// One of them, parsed alone; null when there is none of this name.
const Profile* built_in_profile(std::string_view name);
std::vector<std::string> built_in_names();

/// Built-in profiles plus those of files given by the user. Errors: unknown_profile with a suggestion.
class ProfileSet {
 public:
  /// The profile that was added. Errors: file_missing, profile_invalid with line and key.
  Result<const Profile*> add_file(const std::string& path);
  Result<const Profile*> find(std::string_view name) const;
  std::vector<const Profile*> all() const;  ///< sorted by name

 private:
  std::vector<std::unique_ptr<Profile>> added_;
};

/// Parses one profile; `file` is for messages.
Result<Profile> parse_profile(std::string_view toml, const std::string& file);

}  // namespace assay::profiles
