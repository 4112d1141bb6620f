#include "profiles/typed.h"

namespace assay::profiles {
namespace {

constexpr std::string_view kFloat32 = "coreml-mlprogram-f32-", kFloat16 = "coreml-mlprogram-f16-";

/// A variant's statements, for operations that declare `type` alone.
void append(const Variant& from, std::string_view type, Variant& to) {
  for (Statement statement : from.statements) {
    if (statement.match.declared.empty()) statement.match.declared = type;
    to.statements.push_back(std::move(statement));
  }
}

Variant joined(const Variant* wide, const Variant* narrow) {
  Variant variant;
  variant.name = wide == nullptr ? narrow->name : narrow == nullptr ? wide->name : wide->name + "+" + narrow->name;
  variant.doc = wide == nullptr ? narrow->doc : narrow == nullptr ? wide->doc : wide->doc + "; " + narrow->doc;
  if (wide != nullptr) append(*wide, "float32", variant);
  if (narrow != nullptr) append(*narrow, "float16", variant);
  variant.own = variant.statements.size();
  variant.widens = narrow != nullptr && narrow->storage.type == ir::ElemType::float32;
  return variant;
}

/// {null} where the program declares nothing of the profile's type.
std::vector<const Variant*> variants_for(const Profile& profile, bool declared) {
  if (!declared) return {nullptr};
  std::vector<const Variant*> list;
  list.reserve(profile.variants.size());
  for (const Variant& variant : profile.variants) list.push_back(&variant);
  return list;
}

}  // namespace

DeclaredTypes declared_types(const ir::Graph& graph) {
  DeclaredTypes types;
  for (const ir::Op& op : graph.ops) {
    if (op.type == "Cast") continue;  // at the borders of a float16 program
    for (const ir::ValueId v : op.outputs) {
      if (v == ir::kNoValue) continue;
      types.float32 |= graph.at(v).type.elem == ir::ElemType::float32;
      types.float16 |= graph.at(v).type.elem == ir::ElemType::float16;
    }
  }
  return types;
}

bool names_ml_program(std::string_view profile) {
  return profile.starts_with(kFloat32) || profile.starts_with(kFloat16);
}

std::shared_ptr<const Profile> typed_profile(const Profile& profile, DeclaredTypes types) {
  if (!names_ml_program(profile.name)) return std::make_shared<const Profile>(profile);
  const std::string unit = profile.name.substr(kFloat32.size());
  const Profile* wide = built_in_profile(std::string(kFloat32) + unit);
  const Profile* narrow = built_in_profile(std::string(kFloat16) + unit);
  if (wide == nullptr || narrow == nullptr) return std::make_shared<const Profile>(profile);
  if (!types.float16) types.float32 = true;
  auto typed = std::make_shared<Profile>(types.float16 && !types.float32 ? *narrow : *wide);
  typed->name = profile.name;
  typed->storage = ir::ElemType::float32;
  typed->variants.clear();
  const auto wides = variants_for(*wide, types.float32), narrows = variants_for(*narrow, types.float16);
  for (const Variant* w : wides) typed->variants.push_back(joined(w, narrows.front()));
  for (size_t i = 1; i < narrows.size(); ++i) typed->variants.push_back(joined(wides.front(), narrows[i]));
  if (typed->variants.size() > kMaxVariants) typed->variants.resize(kMaxVariants);
  return typed;
}

}  // namespace assay::profiles
