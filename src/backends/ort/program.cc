#include "backends/ort/program.h"

#include <filesystem>

#include "backends/ort/remote.h"
#include "backends/ort/session.h"
#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/text.h"
#include "onnx/external_files.h"

namespace assay::backends::ort {
namespace {

class OrtProgram : public Program {
 public:
  OrtProgram(std::string text, std::string identity, std::shared_ptr<Runner> runner)
      : text_(std::move(text)), identity_(std::move(identity)), runner_(std::move(runner)) {}
  const std::string& text() const override { return text_; }
  bool emulated() const override { return false; }
  const std::vector<std::string>& variants() const override { return names_; }
  const profiles::Profile* profile() const override { return nullptr; }
  const std::vector<Port>& inputs() const override { return runner_->opened().inputs; }
  const std::vector<Port>& outputs() const override { return runner_->opened().outputs; }
  std::string identity() const override { return identity_; }
  Result<std::vector<ir::Tensor>> run(size_t, std::span<const ir::Tensor> inputs, const SampleRange&) override {
    return runner_->run(inputs);
  }

 private:
  std::string text_, identity_;
  std::vector<std::string> names_ = {"real"};
  std::shared_ptr<Runner> runner_;
};

void tell(const Opened& opened, const Request& request, const std::string& text, Warnings& warnings) {
  Warning note{
      Code::backend_note,
      "this is ONNX Runtime " + opened.version + " (" + opened.library + "), which has " + join(opened.providers, ", "),
      text};
  if (request.words.provider != kCpuProvider) {
    note.message += "; nodes that " + request.words.provider + " does not take run on the CPU";
    note.fix = "session.disable_cpu_ep_fallback=1 makes that an error";
  }
  warnings.push_back(std::move(note));
  for (const std::string& line : opened.messages)
    warnings.push_back({Code::backend_note, "ONNX Runtime says: " + line, text});
}

Status add_file(Hash& hash, const std::string& path) {
  ASSAY_TRY(const MappedFile file, MappedFile::open(path));
  hash.add(file.bytes().data(), file.bytes().size());
  return {};
}

/// Of the model and its weights in other files; of what is no ONNX file (ONNX Runtime's own format), the file alone.
Result<std::string> hash_of(const std::string& model) {
  Hash hash;
  ASSAY_CHECK(add_file(hash, model));
  const auto files = onnx::external_files(model);
  if (!files.ok()) return hash.text();
  for (const std::string& file : *files)
    ASSAY_CHECK(add_file(hash, (std::filesystem::path(model).parent_path() / file).string()));
  return hash.text();
}

}  // namespace

Result<std::unique_ptr<Program>> open_program(std::string text, const Request& request,
                                              const std::vector<std::string>& worker, Warnings& warnings) {
  auto opened = request.words.isolated ? open_remote(request, worker) : open_session(request);
  if (!opened.ok()) return std::move(opened).error();
  std::shared_ptr<Runner> runner = *std::move(opened);
  ASSAY_TRY(std::string identity, hash_of(request.model));
  tell(runner->opened(), request, text, warnings);
  return std::unique_ptr<Program>(
      std::make_unique<OrtProgram>(std::move(text), std::move(identity), std::move(runner)));
}

}  // namespace assay::backends::ort
