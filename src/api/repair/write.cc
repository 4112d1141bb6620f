// What a repair writes, and runs again.
#include <algorithm>
#include <filesystem>

#include "api/repair/files.h"
#include "api/repair/job.h"
#include "audit/repair/configs.h"
#include "base/output_file.h"
#include "base/text.h"
#include "onnx/export.h"

namespace assay::api {
namespace {
using audit::Kept;

constexpr size_t kMostFiles = 24;    // that are written and run where the first one misses the goal
constexpr size_t kMostVariants = 4;  // that are named

// With --rescale the set is that of a model that the user has not: it stands beside the configurations.
constexpr std::string_view kRescaled = "rescaled.onnx";
constexpr std::string_view kForRescaled =
    "# For rescaled.onnx beside this file: in the model as it was the set may not be enough.\n";

bool declares(const ir::Graph* graph, ir::ElemType type) {
  return graph != nullptr && std::ranges::any_of(graph->values, [&](const ir::Value& value) {
           return value.type.kind == ir::Type::Kind::tensor && value.type.elem == type;
         });
}

/// "a, b and 3 more".
std::string named(const std::vector<std::string>& names) {
  const size_t shown = std::min(names.size(), kMostVariants);
  std::string out =
      join(std::vector<std::string>(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown)), ", ");
  return names.size() > shown ? out + " and " + std::to_string(names.size() - shown) + " more" : out;
}

/// "3 of 40 under gpu".
std::string in_words(const TriedFile& tried, const audit::Goal& goal) {
  const audit::Standing& standing = tried.file.standing;
  const std::string much = goal.kind == audit::Goal::Kind::error
                               ? "an error of " + shortest(standing.error)
                               : std::to_string(standing.flips) + " of " + std::to_string(standing.samples);
  return much + " under " + named(tried.variants);
}

}  // namespace

Repaired RepairJob::repaired(const Kept& kept) const {
  return {.source = source(), .model = model_.get(), .kept = units_.spread(kept), .low = program_->storage()};
}

/// Opened anew, from the file alone, and run over all samples.
Result<TriedFile> RepairJob::run_file(const std::string& file) {
  const std::string unit = program_->profile() == nullptr ? "" : core_ml_unit(program_->profile()->name);
  const std::string spec =
      is_package(request_.output) ? "coreml-mlprogram-f16-" + (unit.empty() ? "gpu" : unit) : "strict-f32";
  InputData input(request_.audit.data, request_.audit.arrays);
  backends::ProgramLoader loader(
      program_options(*job_->context, request_.audit.settings, input, request_.audit.primary_only));
  Warnings told;
  ASSAY_TRY(const auto program, loader.open(spec, file, told));
  ASSAY_TRY(const auto answers,
            audit::answers_of(*job_->reference, *program, job_->data, question_, trial_options(), &answers_));
  TriedFile tried{.file = {.path = request_.output, .program = spec, .standing = standing_of(answers)}};
  tried.file.meets = goal_.met(tried.file.standing);
  tried.file.right = right(answers.at(0), false);
  tried.searched_meets = goal_.met(standing_of(answers, parts_.searched));
  tried.missed.resize(result_.samples);
  for (size_t v = 0; v < answers.size(); ++v) {
    const size_t before = tried.variants.size();
    for (size_t s = 0; s < tried.missed.size(); ++s) {
      if (!goal_.missed(answers[v][s].outcome)) continue;
      tried.missed[s] = true;
      if (tried.variants.size() == before) tried.variants.push_back(program->variants().at(v));
    }
  }
  if (!is_package(request_.output) && declares(program->model().get(), ir::ElemType::bfloat16))
    tried.file.note =
        "few runtimes have operators in bfloat16: ONNX Runtime's CPU loads such a file only where it has them all";
  return tried;
}

Result<TriedFile> RepairJob::try_file(const Kept& kept) {
  Warnings told;
  ASSAY_TRY(const auto beside, Beside::create(request_.output));
  ASSAY_CHECK(write_repaired(repaired(kept), beside.file(), told));
  ASSAY_TRY(TriedFile tried, run_file(beside.file()));
  tried.kept = kept;
  tried.warnings = std::move(told);
  return tried;
}

/// Samples that were kept aside and that a file missed: a choice that was made by them proves nothing about others.
void RepairJob::join_missed(const TriedFile& tried) {
  std::vector<size_t> left;
  for (const size_t s : parts_.held) {
    if (tried.missed[s]) result_.moved.push_back(result_.first_sample + static_cast<int64_t>(s));
    (tried.missed[s] ? parts_.searched : left).push_back(s);
  }
  parts_.held = std::move(left);
  std::ranges::sort(parts_.searched);
  std::ranges::sort(result_.moved);
}

/// From a file that holds: blocks of `units` are lowered as long as the file does, halved where it does not. `met` ends
/// with the smallest, `tried` counts.
Status RepairJob::lower_in_file(std::vector<size_t> units, const Kept& missed, std::vector<TriedFile>& met,
                                size_t& tried) {
  std::vector<std::vector<size_t>> stack = {std::move(units)};
  while (!stack.empty() && tried < kMostFiles) {
    const std::vector<size_t> block = std::move(stack.back());
    stack.pop_back();
    Kept fewer = met.back().kept;
    for (const size_t u : block) fewer[u] = false;
    if (fewer != missed) {
      ASSAY_TRY(TriedFile file, try_file(fewer));
      ++tried;
      if (file.searched_meets) {
        met.push_back(std::move(file));
        continue;
      }
    }
    if (block.size() < 2) continue;
    const auto middle = block.begin() + static_cast<std::ptrdiff_t>(block.size() / 2);
    stack.emplace_back(middle, block.end());
    stack.emplace_back(block.begin(), middle);
  }
  return {};
}

/// What the search runs is the model's own operations; the file has others in their place (several in 16 bits for one
/// Selu), so a set that the search found may not do there. Then the file is what is searched, from float32 throughout.
Result<TriedFile> RepairJob::widened(TriedFile first) {
  const std::string missed = in_words(first, goal_);
  const auto unheld = [&](const std::string& why) {
    first.file.note = "missed under " + named(first.variants) + why;
    return std::move(first);
  };
  const Kept all(units_.size(), true);
  if (first.kept == all) return unheld(": types do not help");
  ASSAY_TRY(TriedFile throughout, try_file(all));
  if (!throughout.file.meets)
    return unheld("; with all operations in float32 that can be: " + in_words(throughout, goal_));
  join_missed(first);
  std::vector<size_t> units;
  for (size_t u = 0; u < all.size(); ++u)
    if (!first.kept[u]) units.push_back(u);
  std::vector<TriedFile> met;
  met.push_back(std::move(throughout));
  size_t tried = 2;
  ASSAY_CHECK(lower_in_file(std::move(units), first.kept, met, tried));
  for (; !met.back().file.meets; met.pop_back()) join_missed(met.back());
  const auto count = [](const Kept& kept) {
    return std::to_string(std::ranges::count(kept, true)) + " of " + std::to_string(kept.size());
  };
  std::string& note = met.back().file.note;
  if (!note.empty()) note += "; ";
  note += "with the " + count(first.kept) +
          " operations in float32 that the search found the file misses the goal: " + missed + "; with " +
          count(met.back().kept) + " it meets it, the fewest of " + std::to_string(tried) + " files that were tried";
  return std::move(met.back());
}

/// A file says what is kept, not the search.
Status RepairJob::take(Kept kept) {
  kept_ = std::move(kept);
  result_.minimal = false;
  result_.kept.clear();
  result_.kept_operations.clear();
  result_.carried.clear();
  result_.front.clear();
  audit::RepairSearch search(*trials_, goal_, request_.budget);
  search.use(parts_.searched);
  ASSAY_TRY(result_.searched, search.standing(kept_, parts_.searched));
  ASSAY_TRY(result_.held, search.standing(kept_, parts_.held));
  return fill(search);
}

Status RepairJob::write() {
  if (request_.output.empty()) return {};
  ASSAY_TRY(TriedFile chosen, try_file(kept_));
  if (!chosen.file.meets) {
    ASSAY_TRY(chosen, widened(std::move(chosen)));
  }
  const bool meets = chosen.file.meets;
  result_.files.push_back(std::move(chosen.file));
  warnings_.insert(warnings_.end(), chosen.warnings.begin(), chosen.warnings.end());
  if (!meets) return {};
  if (chosen.kept != kept_) ASSAY_CHECK(take(std::move(chosen.kept)));
  Warnings told;  // before, of the same
  return write_repaired(repaired(kept_), request_.output, told);
}

Status RepairJob::write_configs() {
  if (request_.configs.empty()) return {};
  std::error_code failed;
  std::filesystem::create_directories(request_.configs, failed);
  if (failed) return Error{Code::write_failed, failed.message(), request_.configs, "name a folder that can be made"};
  const bool rescaled = !result_.rescaled.empty();
  for (const auto& [name, text] : audit::config_files(*model_, units_.spread(kept_)))
    ASSAY_CHECK(write_file(request_.configs + "/" + name,
                           std::string(rescaled && name.ends_with(".py") ? kForRescaled : "").append(text)));
  if (!rescaled) return {};
  result_.configured = std::string(request_.configs).append("/").append(kRescaled);
  return onnx::export_model(*model_, result_.configured);
}

}  // namespace assay::api
