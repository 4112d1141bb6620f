// The search for what is to blame for one sample. It asks for runs and is called again when they are known, so that
// many samples are searched side by side and each program is built once for all that ask for it.
#pragma once
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "audit/blame/blame.h"
#include "audit/search/units.h"

namespace assay::audit {

/// Whether a sample decides as the reference with these units kept; absent: nobody has run it yet.
using Known = std::function<std::optional<bool>(const Kept&)>;

class SampleSearch {
 public:
  SampleSearch(size_t units, uint64_t budget) : units_(units), budget_(budget) {}
  /// Goes as far as what is known reaches. True: it has ended, and `found` holds the result; else `wanted` tells what
  /// to run before the next call.
  bool advance(const Known& known, SampleBlame& found);
  const std::vector<Kept>& wanted() const { return wanted_; }

 private:
  using Block = std::pair<size_t, size_t>;  ///< units from, to before
  std::optional<bool> ask(const Kept& kept);
  Kept block(Block units, bool inside) const;
  bool singles(bool inside, bool same, std::vector<size_t>& into);
  bool minimise(std::vector<size_t>& into);
  std::optional<bool> without(Kept& kept, Block units);

  size_t units_;
  uint64_t budget_;
  std::set<Kept> asked_;
  std::vector<Kept> wanted_;
  bool over_ = false;
  const Known* known_ = nullptr;
};

}  // namespace assay::audit
