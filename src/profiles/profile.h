// Device profiles: data that says which numeric policy each kind of operation gets, with evidence (profiles/*.toml).
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

/// Where a statement is known from, and how sure it is.
struct Evidence {
  std::string source;     ///< in full: repository and path, document and section, issue
  std::string certainty;  ///< measured, vendor, source-code, recomputed, inferred, assumed
};

/// What an operation must be for a statement to apply; empty fields match everything.
struct Match {
  std::vector<std::string> ops;      ///< operator names ("Conv", "MatMul"); empty: all
  std::vector<std::string> classes;  ///< numeric classes: contraction, elementwise, reduction, composite, ...
  std::string declared;              ///< declared element type of the output ("float32")
  bool matrix_only = false;          ///< products with M >= 2 and N >= 2 (a vector goes another way)
};

/// Sets fields of the policy of the operations that match; later statements override earlier ones field by field.
struct Statement {
  Match match;
  std::map<std::string, std::string> settings;  ///< as written, for `profiles show`
  num::Policy policy;                           ///< the settings' values ...
  uint32_t fields = 0;                          ///< ... and which fields they set (Field bits)
  Evidence evidence;
  int line = 0;
};

struct NotModelled {
  std::string what, reason;
  Evidence evidence;
};

struct Variant {
  std::string name;
  std::string doc;
  std::vector<Statement> statements;  ///< the profile's common ones, then the variant's own
};

struct Profile {
  std::string name;
  std::string doc;
  /// Type in which float32 values are stored: float32, float16, bfloat16, float64.
  ir::ElemType storage = ir::ElemType::float32;
  std::vector<Variant> variants;  ///< complete, at most six, the likeliest (primary) first
  std::vector<NotModelled> not_modelled;
  std::string file;
  bool storage_only = false;  ///< strict-f32 arithmetic and storage rounding only: --emit-onnx can say it
};

/// What a statement is matched against.
struct OpQuery {
  std::string_view domain, op;
  std::string_view numeric;  ///< name of ops::Numeric
  ir::ElemType declared;
  bool matrix = true;
};

/// The policy that the variant gives to an operation.
num::Policy policy_for(const Profile& profile, size_t variant, const OpQuery& query);

/// The built-in profiles, sorted by name (compiled into the library from profiles/*.toml).
std::span<const Profile> built_in_profiles();

/// Built-in profiles plus those of files given by the user. Errors: unknown_profile with a suggestion.
class ProfileSet {
 public:
  Status add_file(const std::string& path);  ///< errors: profile_invalid with line and key
  Result<const Profile*> find(std::string_view name) const;
  std::vector<const Profile*> all() const;

 private:
  std::vector<std::unique_ptr<Profile>> added_;
};

/// Parses one profile; `file` is for messages.
Result<Profile> parse_profile(std::string_view toml, const std::string& file);

}  // namespace assay::profiles
