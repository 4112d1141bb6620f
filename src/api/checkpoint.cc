#include "api/checkpoint.h"

#include <filesystem>

#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/output_file.h"
#include "base/text.h"
#include "ir/text.h"
#include "report/checkpoint.h"

namespace assay::api {
namespace {
using Question = report::Question;

Result<std::string> hash_of(const audit::NamedArray& array) {
  const ir::Tensor& tensor = array.tensor;
  Hash hash;
  if (tensor.elem() == ir::ElemType::string)
    for (const std::string& text : tensor.strings()) hash.add(text);
  else
    ASSAY_CHECK(backends::for_each_piece(array, [&](auto piece) { hash.add(piece.data(), piece.size()); }));
  return std::string(ir::elem_name(tensor.elem())) + ir::to_string(tensor.dims()) + " " + hash.text();
}

}  // namespace

Result<std::string> told_apart(const audit::NamedArray& array) {
  ASSAY_TRY(const std::string hash, hash_of(array));
  return array.name + " " + hash;
}

Result<std::string> told_apart(const backends::Program& program) {
  const profiles::Profile* profile = program.profile();
  std::string text = program.text() + " of model " + program.identity() +
                     (profile == nullptr ? "" : " by profile " + profiles::identity_of(*profile));
  if (program.recorded_arrays() == nullptr) return text;
  for (const audit::NamedArray& array : *program.recorded_arrays()) {
    ASSAY_TRY(const std::string of_array, told_apart(array));
    text += ", " + of_array;
  }
  return text;
}

namespace {

// All that the answer depends on, by the name that a message gives it.
Result<Question> question_of(const AuditJob& job) {
  const commands::AuditRequest& asked = *job.request;
  ASSAY_TRY(std::string reference, told_apart(*job.reference));
  Question out = {{"the version of Assay", std::string(commands::version())},
                  {"the decision", job.options.rule.text()},
                  {"the score", asked.score},
                  {"the output", asked.output},
                  {"the number of the first sample", std::to_string(asked.first_sample)},
                  {"the reference", std::move(reference)},
                  {"the number of candidates", std::to_string(job.candidates.size())}};
  for (const auto& candidate : job.candidates) {
    ASSAY_TRY(std::string text, told_apart(*candidate));
    out.emplace_back("the candidate", std::move(text));
    out.emplace_back("the list of variants", join(candidate->variants(), ", "));
  }
  out.emplace_back("what is kept in float32", join(asked.keep, ", "));
  out.emplace_back("the number of samples that --expect names", std::to_string(job.options.expect));
  out.emplace_back("--proof", job.options.proof ? "on" : "off");
  out.emplace_back("the trace", !asked.trace.wanted ? std::string()
                                                    : std::to_string(asked.trace.exact) +
                                                          (asked.trace.introduced ? "" : " accumulated alone"));
  for (const audit::NamedArray& array : job.data) {
    ASSAY_TRY(std::string hash, hash_of(array));
    out.emplace_back("the data '" + array.name + "'", std::move(hash));
  }
  Hash labels;
  labels.add(job.labels.data(), job.labels.size() * sizeof(int64_t));
  out.emplace_back("the labels", labels.text());
  return out;
}

Result<std::optional<audit::AuditResult>> load(const std::string& path, const Question& question) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::optional<audit::AuditResult>();
  ASSAY_TRY(const MappedFile file, MappedFile::open(path));
  ASSAY_TRY(report::SavedAudit saved,
            report::parse_checkpoint({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}, path));
  if (const std::string other = report::first_difference(saved.question, question); !other.empty())
    return Error{Code::merge_mismatch, "the checkpoint is of another question: " + other, path,
                 "name another file, or remove this one to begin anew"};
  return std::optional(std::move(saved.done));
}

}  // namespace

Result<std::string> question_key(const AuditJob& job) {
  ASSAY_TRY(const Question question, question_of(job));
  Hash hash;
  for (const auto& [name, text] : question) {
    hash.add(name);
    hash.add(text);
  }
  return hash.text();
}

Result<audit::Checkpoint> checkpoint_at(const std::string& path, const AuditJob& job) {
  ASSAY_TRY(Question asked, question_of(job));
  const auto question = std::make_shared<const Question>(std::move(asked));
  return audit::Checkpoint{.load = [path, question] { return load(path, *question); },
                           .save =
                               [path, question](const audit::AuditResult& done) {
                                 return write_file(path, report::to_json(report::SavedAudit{*question, done}));
                               }};
}

}  // namespace assay::api
