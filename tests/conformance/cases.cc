#include "cases.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <vector>

#include "exec/session.h"
#include "onnx/import.h"
#include "passes/infer_shapes.h"
#include "passes/resolve.h"
#include "profiles/profile.h"

namespace assay::conformance {
namespace {
namespace fs = std::filesystem;

constexpr double kRelative = 1e-3, kAbsolute = 1e-7;  // ONNX's own
constexpr unsigned kSeconds = 60;

Verdict of_error(const Error& e) {
  const bool unsupported =
      e.code == Code::op_unsupported || e.code == Code::type_unsupported || e.code == Code::opset_unsupported;
  return {unsupported ? Outcome::unsupported : Outcome::fail,
          code_name(e.code) + " " + e.message + " [" + e.where + "]"};
}
Verdict fail(std::string reason) { return {Outcome::fail, std::move(reason)}; }

bool close_enough(double got, double want) {
  if (std::isnan(want)) return std::isnan(got);
  if (std::isinf(want) || std::isinf(got)) return got == want;
  return std::abs(got - want) <= kAbsolute + kRelative * std::abs(want);
}

std::string compare(const ir::Tensor& got, const ir::Tensor& want) {
  if (got.elem() != want.elem())
    return "is " + std::string(ir::elem_name(got.elem())) + ", not " + std::string(ir::elem_name(want.elem()));
  if (got.dims() != want.dims())
    return "has shape " + ir::to_string(got.dims()) + ", not " + ir::to_string(want.dims());
  if (got.elem() == ir::ElemType::string) return got.strings() == want.strings() ? "" : "has other text";
  for (int64_t i = 0; i < got.size(); ++i) {
    const bool same =
        ir::is_float(got.elem()) ? close_enough(got.float_at(i), want.float_at(i)) : got.int_at(i) == want.int_at(i);
    if (same) continue;
    const auto text = [&](const ir::Tensor& t) {
      return ir::is_float(t.elem()) ? std::to_string(t.float_at(i)) : std::to_string(t.int_at(i));
    };
    return "element " + std::to_string(i) + " of " + ir::to_string(got.dims()) + " is " + text(got) + ", not " +
           text(want);
  }
  return "";
}

/// The graph's inputs or outputs that hold something other than a tensor.
bool all_tensors(const ir::Graph& g, const std::vector<ir::ValueId>& values) {
  for (const ir::ValueId v : values)
    if (g.at(v).type.kind != ir::Type::Kind::tensor) return false;
  return true;
}

Result<std::vector<ir::Tensor>> tensors(const fs::path& set, const char* stem, size_t count) {
  std::vector<ir::Tensor> out;
  for (size_t i = 0; i < count; ++i) {
    ASSAY_TRY(ir::Tensor t, onnx::read_tensor_file((set / (std::string(stem) + std::to_string(i) + ".pb")).string()));
    out.push_back(t.elem() == ir::ElemType::string ? std::move(t) : t.aligned());
  }
  return out;
}

Verdict run_set(exec::Session& session, const fs::path& set) {
  const ir::Graph& g = session.graph();
  auto inputs = tensors(set, "input_", g.inputs.size());
  if (!inputs.ok()) return of_error(inputs.error());
  auto wanted = tensors(set, "output_", g.outputs.size());
  if (!wanted.ok()) return of_error(wanted.error());
  auto got = session.run(*inputs);
  if (!got.ok()) return of_error(got.error());
  for (size_t i = 0; i < got->size(); ++i)
    if (const std::string difference = compare((*got)[i], (*wanted)[i]); !difference.empty())
      return fail("output " + std::to_string(i) + " " + difference);
  return {Outcome::pass, ""};
}

}  // namespace

Verdict run_case(const fs::path& folder) {
  Warnings warnings;
  auto graph = onnx::import_model((folder / "model.onnx").string(), warnings);
  if (!graph.ok()) return of_error(graph.error());
  if (!all_tensors(*graph, graph->inputs)) return {Outcome::unsupported, "sequence or optional inputs"};
  if (auto status = passes::infer_shapes(*graph); !status.ok()) return of_error(status.error());
  if (!all_tensors(*graph, graph->outputs)) return {Outcome::unsupported, "sequence or optional outputs"};
  const profiles::ProfileSet profiles;
  auto profile = profiles.find("strict-f32");
  if (!profile.ok()) return of_error(profile.error());
  auto resolved = passes::resolve(*graph, **profile, 0);
  if (!resolved.ok()) return of_error(resolved.error());
  auto session =
      exec::Session::create(std::make_shared<const ir::Graph>(*std::move(resolved)), std::make_shared<Threads>(1));
  if (!session.ok()) return of_error(session.error());
  bool any = false;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.path().filename().string().starts_with("test_data_set_")) continue;
    any = true;
    if (Verdict v = run_set(*session, entry.path()); v.outcome != Outcome::pass) return v;
  }
  return any ? Verdict{Outcome::pass, ""} : fail("has no data");
}

Verdict run_case_apart(const fs::path& folder) {
  int ends[2];
  if (::pipe(ends) != 0) return fail("no pipe");
  const pid_t child = ::fork();
  if (child < 0) return fail("no process");
  if (child == 0) {
    ::close(ends[0]);
    ::alarm(kSeconds);
    const Verdict v = run_case(folder);
    const std::string text = static_cast<char>(v.outcome) + v.reason.substr(0, 2000);
    const auto written = ::write(ends[1], text.data(), text.size());
    ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return fail(std::string("crashed: ") + strsignal(WTERMSIG(status)));
  if (text.empty() || WEXITSTATUS(status) != 0) return fail("ended with status " + std::to_string(WEXITSTATUS(status)));
  return {static_cast<Outcome>(text[0]), text.substr(1)};
}

}  // namespace assay::conformance
