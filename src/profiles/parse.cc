// One profile from its text. Every key is checked; every statement must say where it is known from.
#include <algorithm>

#include "base/text.h"
#include "profiles/built_in.h"
#include "profiles/profile.h"
#include "profiles/settings.h"
#include "profiles/tree.h"

namespace assay::profiles {
namespace {

const std::vector<std::string> kCertainties{"definition", "measured", "vendor", "source-code",
                                            "recomputed", "inferred", "assumed"};
const std::vector<std::string> kClasses{"exact", "elementwise", "contraction", "reduction", "composite", "convert"};
const std::vector<std::string> kProfileKeys{"name",    "doc",       "like",    "storage",     "inputs",
                                            "weights", "statement", "variant", "not-modelled"};
const std::vector<std::string> kStatementKeys{"match", "set", "evidence"};
const std::vector<std::string> kMatchKeys{"op", "class", "declared", "matrix-only"};
const std::vector<std::string> kEvidenceKeys{"source", "certainty"};
const std::vector<std::string> kVariantKeys{"name", "doc", "storage", "inputs", "weights", "statement"};
const std::vector<std::string> kNotModelledKeys{"what", "reason", "evidence"};

constexpr size_t kMaxName = 64, kMaxStatements = 200;

Result<std::string> read_name(const Reader& r) {
  ASSAY_TRY(std::string name, r.string("name"));
  const bool plain = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
  if (!plain || name.size() > kMaxName)
    return r.fail("name", "must be at most 64 of: a-z, 0-9, '-', '_', '.'", "programs are written with these names");
  return name;
}

Result<Evidence> read_evidence(const Reader& owner) {
  if (!owner.has("evidence"))
    return owner.fail("", "'evidence' is missing", "say where this is known from: evidence.source, evidence.certainty");
  ASSAY_TRY(const Reader r, owner.table("evidence"));
  ASSAY_CHECK(r.only(kEvidenceKeys));
  Evidence evidence;
  ASSAY_TRY(evidence.source, r.string("source"));
  ASSAY_TRY(evidence.certainty, r.string("certainty"));
  if (std::ranges::find(kCertainties, evidence.certainty) == kCertainties.end())
    return r.unknown("certainty", "certainty", evidence.certainty, kCertainties);
  return evidence;
}

Result<Match> read_match(const Reader& statement) {
  Match match;
  if (!statement.has("match")) return match;
  ASSAY_TRY(const Reader r, statement.table("match"));
  ASSAY_CHECK(r.only(kMatchKeys));
  ASSAY_TRY(match.ops, r.strings("op"));
  ASSAY_TRY(match.classes, r.strings("class"));
  for (const std::string& name : match.classes)
    if (std::ranges::find(kClasses, name) == kClasses.end()) return r.unknown("class", "class", name, kClasses);
  ASSAY_TRY(match.declared, r.string_or("declared", ""));
  if (!match.declared.empty()) {
    const auto elem = ir::elem_named(match.declared);
    if (!elem || !ir::is_float(*elem)) return r.fail("declared", "must be a floating-point type such as float16");
    match.declared = ir::elem_name(*elem);
  }
  ASSAY_TRY(match.matrix_only, r.boolean_or("matrix-only", false));
  return match;
}

Result<Statement> read_statement(const Reader& r) {
  ASSAY_CHECK(r.only(kStatementKeys));
  Statement s;
  s.line = r.node().line;
  ASSAY_TRY(s.match, read_match(r));
  ASSAY_TRY(const Reader set, r.table("set"));
  ASSAY_CHECK(set.only(setting_names()));
  if (set.node().members.empty()) return r.fail("set", "sets nothing");
  for (size_t i = 0; i < settings().size(); ++i) {
    const Setting& setting = settings()[i];
    if (!set.has(setting.name)) continue;
    ASSAY_CHECK(setting.read(set, setting.name, s.policy));
    s.fields |= 1u << i;
    s.settings.emplace(setting.name, as_text(*set.node().find(setting.name)));
  }
  ASSAY_TRY(s.evidence, read_evidence(r));
  return s;
}

Result<std::vector<Statement>> read_statements(const Reader& owner) {
  ASSAY_TRY(const std::vector<Reader> tables, owner.tables("statement"));
  if (tables.size() > kMaxStatements) return owner.fail("statement", "more than 200 statements");
  std::vector<Statement> all;
  for (const Reader& table : tables) {
    ASSAY_TRY(Statement statement, read_statement(table));
    all.push_back(std::move(statement));
  }
  return all;
}

/// The element type whose values the format's are; nothing for TF32 and the like.
std::optional<ir::ElemType> storage_type(const num::Format& format) {
  for (const ir::ElemType type :
       {ir::ElemType::float32, ir::ElemType::float64, ir::ElemType::float16, ir::ElemType::bfloat16})
    if (num::format(*ir::elem_format(type)) == format) return type;
  return std::nullopt;
}

/// `storage`, `inputs`, `weights` of a profile or variant; what is absent comes from `base`.
Result<Storage> read_storage(const Reader& r, const Storage& base) {
  Storage storage = base;
  if (r.has("storage")) {
    ASSAY_TRY(const num::Rounding rounding, read_rounding(r, "storage"));
    const auto type = storage_type(rounding.format);
    if (!type) return r.fail("storage", "must be float32, float64, float16 or bfloat16");
    storage.type = *type;
    const bool wide = *type == ir::ElemType::float32 || *type == ir::ElemType::float64;
    storage.results.reset();
    if (!wide || rounding != num::Rounding{rounding.format}) storage.results = rounding;
    storage.inputs = storage.weights = storage.results;
  }
  if (r.has("inputs")) {
    ASSAY_TRY(storage.inputs, read_rounding(r, "inputs"));
  }
  if (r.has("weights")) {
    ASSAY_TRY(storage.weights, read_rounding(r, "weights"));
  }
  return storage;
}

/// Results must be values that the storage can hold.
Status check_results(const Reader& r, const Variant& variant) {
  const num::Format& wide = num::format(*ir::elem_format(variant.storage.type));
  const auto fits = [&](const std::optional<num::Rounding>& rounding) {
    return !rounding || (rounding->format.exponent_bits <= wide.exponent_bits &&
                         rounding->format.significand_bits <= wide.significand_bits);
  };
  bool good = fits(variant.storage.inputs) && fits(variant.storage.weights);
  for (auto s = variant.statements.rbegin(); s != variant.statements.rend(); ++s) {
    good = good && fits(s->policy.result);
    const bool every = s->match.ops.empty() && s->match.classes.empty() && s->match.declared.empty();
    if (s->policy.result && every && !s->match.matrix_only) break;  // what stands before is overridden
  }
  if (good) return {};
  return r.fail("", "variant '" + variant.name + "' rounds to values that its storage, " +
                        std::string(ir::elem_name(variant.storage.type)) + ", cannot hold");
}

Status read_variants(const Reader& r, const Storage& storage, const std::vector<Statement>& common, Profile& profile) {
  ASSAY_TRY(const std::vector<Reader> tables, r.tables("variant"));
  if (tables.size() > kMaxVariants)
    return r.fail("variant", "more than six variants", "keep complete devices that could exist, the likeliest first");
  for (const Reader& table : tables) {
    ASSAY_CHECK(table.only(kVariantKeys));
    Variant v;
    ASSAY_TRY(v.name, read_name(table));
    if (std::ranges::find(profile.variants, v.name, &Variant::name) != profile.variants.end())
      return table.fail("name", "a second variant has this name");
    ASSAY_TRY(v.doc, table.string("doc"));
    ASSAY_TRY(v.storage, read_storage(table, storage));
    ASSAY_TRY(std::vector<Statement> own, read_statements(table));
    v.statements = common;
    v.own = own.size();
    std::ranges::move(own, std::back_inserter(v.statements));
    profile.variants.push_back(std::move(v));
  }
  return {};
}

Status read_not_modelled(const Reader& r, Profile& profile) {
  ASSAY_TRY(const std::vector<Reader> tables, r.tables("not-modelled"));
  for (const Reader& table : tables) {
    ASSAY_CHECK(table.only(kNotModelledKeys));
    NotModelled n;
    ASSAY_TRY(n.what, table.string("what"));
    ASSAY_TRY(n.reason, table.string("reason"));
    ASSAY_TRY(n.evidence, read_evidence(table));
    profile.not_modelled.push_back(std::move(n));
  }
  return {};
}

/// What `like = "NAME"` brings: the other's storage, common statements, variants and gaps.
struct Inherited {
  Storage storage;
  std::vector<Statement> statements;
  const Profile* profile = nullptr;
};

Result<Inherited> read_like(const Reader& r) {
  Inherited inherited;
  if (!r.has("like")) return inherited;
  ASSAY_TRY(const std::string name, r.string("like"));
  ASSAY_TRY(const std::string own, r.string("name"));
  if (name == own) return r.fail("like", "a profile cannot be like itself");
  const auto names = built_in_names();
  if (std::ranges::find(names, name) == names.end()) return r.unknown("like", "built-in profile", name, names);
  inherited.profile = built_in_profile(name);
  if (inherited.profile->variants.empty()) return r.fail("like", name + " " + inherited.profile->doc);
  const Variant& primary = inherited.profile->variants.front();
  inherited.storage = primary.storage;
  inherited.statements.assign(primary.statements.begin(),
                              primary.statements.end() - static_cast<ptrdiff_t>(primary.own));
  return inherited;
}

}  // namespace

std::span<const std::string> certainties() { return kCertainties; }

Result<Profile> parse_profile(std::string_view toml, const std::string& file) {
  ASSAY_TRY(const Node root, parse_toml(toml, file));
  const Reader r(root, file, "");
  ASSAY_CHECK(r.only(kProfileKeys));
  Profile profile;
  profile.file = file;
  ASSAY_TRY(profile.name, read_name(r));
  ASSAY_TRY(profile.doc, r.string("doc"));
  ASSAY_TRY(const Inherited like, read_like(r));
  ASSAY_TRY(const Storage storage, read_storage(r, like.storage));
  ASSAY_TRY(std::vector<Statement> own, read_statements(r));
  std::vector<Statement> common = like.statements;
  std::ranges::copy(own, std::back_inserter(common));
  ASSAY_CHECK(read_variants(r, storage, common, profile));
  if (profile.variants.empty() && like.profile != nullptr) {
    for (Variant v : like.profile->variants) {  // the other's variants, with this profile's statements behind theirs
      if (r.has("storage") || r.has("inputs") || r.has("weights")) v.storage = storage;
      std::ranges::copy(own, std::back_inserter(v.statements));
      profile.variants.push_back(std::move(v));
    }
  }
  if (profile.variants.empty()) profile.variants.push_back({"only", profile.doc, storage, common, 0});
  if (like.profile != nullptr) profile.not_modelled = like.profile->not_modelled;
  ASSAY_CHECK(read_not_modelled(r, profile));
  for (const Variant& variant : profile.variants) ASSAY_CHECK(check_results(r, variant));
  profile.storage = profile.variants.front().storage.type;
  profile.storage_only = storage_only(profile, 0);
  return profile;
}

}  // namespace assay::profiles
