// What a policy rounds its outputs to is known before it runs: values off that format are not its own.
#include <algorithm>

#include "audit/fingerprint/fit.h"
#include "ops/def.h"

namespace assay::audit {
namespace {

/// The candidate of the round trip test that every value lies on, as the program says; none where it does not say.
std::optional<size_t> rounded_to(const ir::Graph& graph, ir::ValueId id) {
  const ir::Value& value = graph.at(id);
  std::string_view name = ir::elem_name(value.storage);
  const ir::Op* op =
      value.storage == ir::ElemType::float32 && value.producer != ir::kNoOp ? &graph.ops[value.producer] : nullptr;
  // Outputs come back in their declared type from what is stored.
  if (op != nullptr && op->domain == "assay" && op->type == "Round" && !op->policy.result)
    return rounded_to(graph, op->inputs[0]);
  if (op != nullptr && op->def != nullptr && op->def->numeric != ops::Numeric::exact && op->policy.result)
    name = op->policy.result->format.name;
  for (size_t i = 0; i < num::kLatticeCandidates.size(); ++i)
    if (num::kLatticeCandidates[i] != num::FormatId::float32 && num::format(num::kLatticeCandidates[i]).name == name)
      return i;
  return std::nullopt;
}

}  // namespace

Storage storage_of(const ir::Graph& resolved, const Arrays& observed, std::span<const LatticeCounts> lattices) {
  uint64_t off = 0, told = 0;
  for (size_t i = 0; i < observed.size(); ++i) {
    const auto id = resolved.find(observed[i].name);
    const auto candidate = id ? rounded_to(resolved, *id) : std::nullopt;
    told += lattices[i].counted;
    if (candidate) off += lattices[i].off[*candidate];
  }
  if (off == 0) return Storage::fits;
  return 2 * off >= told ? Storage::not_half : Storage::not_all;
}

uint64_t format_bits_of(const ir::Graph& resolved, const Arrays& observed, std::span<const LatticeCounts> lattices) {
  uint64_t bits = 0;
  for (size_t i = 0; i < observed.size(); ++i) {
    const auto id = resolved.find(observed[i].name);
    const auto candidate = id ? rounded_to(resolved, *id) : std::nullopt;
    const bool free = ir::elem_bits(observed[i].tensor.elem()) >= 32;  // float16 arrays are on float16 anyway
    if (candidate && free && lattices[i].off[*candidate] == 0)
      bits += lattices[i].evidence_bits(num::kLatticeCandidates[*candidate]);
  }
  return bits;
}

}  // namespace assay::audit
