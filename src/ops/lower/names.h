// Names that Core ML allows.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace assay::ops {

/// Gives each of a model's names one that Core ML allows ([A-Za-z_][A-Za-z0-9_@]*, none of MIL's reserved words): the
/// same name when it is legal, else with other characters replaced; unique, and the same for the same calls.
class LegalNames {
 public:
  /// For a name of the model; the same one each time.
  const std::string& of(const std::string& original);
  /// A new name that starts with `stem`.
  std::string fresh(std::string_view stem);
  /// Names that had to be changed: legal -> original.
  const std::map<std::string, std::string>& changed() const { return changed_; }

 private:
  std::string unique(std::string wanted);
  std::unordered_map<std::string, std::string> given_;
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, int> next_;
  std::map<std::string, std::string> changed_;
};

/// The names of one graph of a model: nested graphs may use names that the graphs around them have used.
class ScopedNames {
 public:
  /// Of the outermost graph.
  explicit ScopedNames(LegalNames& names) : names_(names) {}
  /// Of a graph inside of the one whose names are `outer`.
  struct Inside {
    const ScopedNames& outer;
  };
  explicit ScopedNames(Inside inside) : names_(inside.outer.names_), nested_(true) {}

  /// For a name of the graph; the same one each time.
  const std::string& of(const std::string& original);
  std::string fresh(std::string_view stem) { return names_.fresh(stem); }

 private:
  LegalNames& names_;
  bool nested_ = false;
  std::unordered_map<std::string, std::string> given_;
};

/// `name` in letters, digits, '_' and '@', not starting with a digit, no reserved word.
std::string legal_name(std::string_view name);

}  // namespace assay::ops
