// Which profiles there are: those compiled in, each parsed when first asked for, and those that the user adds.
#include <algorithm>
#include <mutex>

#include "base/mapped_file.h"
#include "base/text.h"
#include "profiles/built_in.h"
#include "profiles/profile.h"

namespace assay::profiles {
namespace {

struct Slot {
  std::unique_ptr<Profile> profile;
  bool parsing = false;
};

/// Parsed built-in profiles. Recursive: a profile that is like another asks for it while it is parsed.
struct Cache {
  std::recursive_mutex mutex;
  std::vector<Slot> slots = std::vector<Slot>(built_in_files().size());
};

Cache& cache() {
  static Cache instance;
  return instance;
}

/// A built-in that does not parse is refused by the tests. Here it has no variants, and find() refuses it.
Profile broken(const BuiltIn& file, const Error& error) {
  Profile profile;
  profile.name = file.name;
  profile.doc = "does not parse: " + error.where + ": " + error.message;
  profile.file = file.file;
  return profile;
}

}  // namespace

std::vector<std::string> built_in_names() {
  std::vector<std::string> names;
  for (const BuiltIn& file : built_in_files()) names.emplace_back(file.name);
  return names;
}

const Profile* built_in_profile(std::string_view name) {
  const auto files = built_in_files();
  const auto found = std::ranges::find(files, name, &BuiltIn::name);
  if (found == files.end()) return nullptr;
  const std::lock_guard lock(cache().mutex);
  Slot& slot = cache().slots[static_cast<size_t>(found - files.begin())];
  if (!slot.profile) {
    auto parsed = slot.parsing ? Result<Profile>(Error{Code::profile_invalid, "'like' goes round in a circle"})
                               : (slot.parsing = true, parse_profile(found->text, std::string(found->file)));
    slot.profile = std::make_unique<Profile>(parsed.ok() ? *std::move(parsed) : broken(*found, parsed.error()));
  }
  return slot.profile.get();
}

std::span<const Profile> built_in_profiles() {
  static const std::vector<Profile> all = [] {
    std::vector<Profile> profiles;
    for (const BuiltIn& file : built_in_files()) profiles.push_back(*built_in_profile(file.name));
    return profiles;
  }();
  return all;
}

Result<const Profile*> ProfileSet::add_file(const std::string& path) {
  ASSAY_TRY(const MappedFile mapped, MappedFile::open(path));
  const std::string_view text(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size());
  ASSAY_TRY(Profile profile, parse_profile(text, path));
  for (const Profile* other : all())
    if (other->name == profile.name)
      return Error{Code::profile_invalid,
                   "name: there is a profile '" + profile.name + "' already (" + other->file + ")", path + ":1",
                   "give it another name"};
  added_.push_back(std::make_unique<Profile>(std::move(profile)));
  return added_.back().get();
}

Result<const Profile*> ProfileSet::find(std::string_view name) const {
  for (const auto& profile : added_)
    if (profile->name == name) return profile.get();
  if (const Profile* profile = built_in_profile(name)) {
    if (profile->variants.empty()) return Error{Code::internal, "profile " + profile->name + " " + profile->doc};
    return profile;
  }
  std::vector<std::string> names = built_in_names();
  for (const auto& profile : added_) names.push_back(profile->name);
  for (const char* provider : {"CoreMLExecutionProvider", "CPUExecutionProvider"}) names.emplace_back(provider);
  const std::string meant = did_you_mean(name, names);
  return Error{Code::unknown_profile, "no profile is named '" + std::string(name.substr(0, 80)) + "'", "",
               meant.empty() ? "`assay profiles` lists them" : "did you mean '" + meant + "'?"};
}

std::vector<const Profile*> ProfileSet::all() const {
  std::vector<const Profile*> every;
  for (const Profile& profile : built_in_profiles()) every.push_back(&profile);
  for (const auto& profile : added_) every.push_back(profile.get());
  std::ranges::sort(every, {}, [](const Profile* p) { return std::string_view(p->name); });
  return every;
}

}  // namespace assay::profiles
