#include "audit/fingerprint.h"

namespace assay::audit {

std::vector<Fingerprint> fingerprint(const Arrays& arrays) {
  std::vector<Fingerprint> prints;
  for (const NamedArray& array : arrays) {
    if (!ir::is_float(array.tensor.elem())) continue;
    Fingerprint print;
    print.name = array.name;
    print.declared = array.tensor.elem();
    print.dims = array.tensor.dims();
    add_lattice(print.lattice, array.tensor);
    print.verdict = print.lattice.verdict();
    print.traits = traits_of(array.tensor);
    // What is no float16 has no float16 subnormals.
    if (print.verdict.format != num::FormatId::float16)
      std::erase_if(print.traits.subnormals, [](const Subnormals& s) { return s.format == num::FormatId::float16; });
    prints.push_back(std::move(print));
  }
  return prints;
}

}  // namespace assay::audit
