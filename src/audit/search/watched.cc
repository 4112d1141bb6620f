#include "audit/search/watched.h"

#include "audit/search/units.h"

namespace assay::audit {

Result<Watched> Watched::create(const ir::Graph& resolved, const ir::Graph& model,
                                std::shared_ptr<const Threads> threads) {
  Watched watched;
  for (const ir::Op& op : model.ops)
    for (const ir::ValueId v : op.outputs)
      if (v != ir::kNoValue && is_stored_float(model.at(v)) && !model.at(v).constant) watched.values_.push_back(v);
  auto graph = std::make_shared<ir::Graph>(resolved);
  watched.behind_ = graph->outputs.size();
  graph->outputs.insert(graph->outputs.end(), watched.values_.begin(), watched.values_.end());
  ASSAY_TRY(watched.session_, exec::Session::create(std::move(graph), std::move(threads)));
  return watched;
}

Result<std::vector<ir::Tensor>> Watched::run(std::span<const ir::Tensor> inputs) {
  session_->reset();
  ASSAY_TRY(std::vector<ir::Tensor> all, session_->run(inputs));
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(behind_));
  return all;
}

}  // namespace assay::audit
