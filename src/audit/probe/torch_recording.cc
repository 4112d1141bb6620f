// Recordings of PyTorch devices that hold raw bits under '<probe>/<case>/<what>' (docs/probe.md, "PyTorch devices").
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>

#include "audit/probe/read.h"
#include "base/text.h"

namespace assay::audit {
namespace {

using ir::ElemType;
using ir::Tensor;

/// "f16.reduced_on.out_f32": the type of the operands, and whether the result is float32.
struct Mode {
  std::string name;
  std::string type() const { return name.substr(0, name.find('.')); }
  bool wide() const { return name.ends_with(".out_f32") || type() == "f32"; }
};

const num::Format& format_of(const std::string& type) {
  if (type == "f16") return num::format(num::FormatId::float16);
  if (type == "bf16") return num::format(num::FormatId::bfloat16);
  return num::format(num::FormatId::float32);
}

/// Recorded bits (uint16, uint32) as float32 values; the whole where `rows` is 0, else its first rows.
Tensor decoded(const Tensor& bits, const std::string& type) {
  Tensor values = Tensor::allocate(ElemType::float32, bits.dims());
  const num::Format& format = bits.elem() == ElemType::uint32 ? format_of("f32") : format_of(type);
  for (int64_t i = 0; i < bits.size(); ++i)
    values.mutable_data<float>()[i] = static_cast<float>(num::decode(static_cast<uint64_t>(bits.int_at(i)), format));
  return values;
}

Tensor rounded(const Tensor& values, const std::string& type) {
  Tensor out = Tensor::allocate(ElemType::float32, values.dims());
  for (int64_t i = 0; i < values.size(); ++i)
    out.mutable_data<float>()[i] = static_cast<float>(num::round(values.float_at(i), {format_of(type)}));
  return out;
}

Tensor filled(const ir::Dims& dims, float value) {
  Tensor out = Tensor::allocate(ElemType::float32, dims);
  std::fill_n(out.mutable_data<float>(), out.size(), value);
  return out;
}

Tensor identity(int64_t n) {
  Tensor out = filled({n, n}, 0);
  for (int64_t i = 0; i < n; ++i) out.mutable_data<float>()[i * n + i] = 1;
  return out;
}

/// The first rows of a matrix.
Tensor first_rows(const Tensor& values, int64_t rows) {
  ir::Dims dims = values.dims();
  const int64_t each = values.size() / dims[0];
  dims[0] = rows;
  Tensor out = Tensor::allocate(ElemType::float32, dims);
  std::copy_n(values.data<float>(), rows * each, out.mutable_data<float>());
  return out;
}

/// A row alone is a vector, which may take another way than a matrix: it stands twice.
Tensor doubled(const Tensor& one) {
  ir::Dims dims = one.dims();
  dims[0] = 2;
  Tensor out = Tensor::allocate(ElemType::float32, dims);
  std::copy_n(one.data<float>(), one.size(), out.mutable_data<float>());
  std::copy_n(one.data<float>(), one.size(), out.mutable_data<float>() + one.size());
  return out;
}

class Reader {
 public:
  explicit Reader(const Arrays& arrays) : arrays_(arrays) {}

  Result<ProbeRecording> run() {
    ProbeRecording recording;
    for (const std::string& name : mode_names()) {
      ProbeMode mode{.name = name, .cases = {}};
      ASSAY_CHECK(add_all({name}, mode.cases));
      if (!mode.cases.empty()) recording.modes.push_back(std::move(mode));
    }
    recording.device = "PyTorch";
    return recording;
  }

 private:
  std::set<std::string> mode_names() const {
    std::set<std::string> names;
    for (const NamedArray& array : arrays_) {
      const auto parts = split(array.name, '/');
      if (parts.size() == 4 && parts[0] == "dot" && parts[3] == "y") names.insert(parts[1]);
      if (parts.size() == 3 && (parts[0] == "mlp" || parts[0] == "operand") && parts[1].find('.') != std::string::npos)
        names.insert(parts[1]);
    }
    return names;
  }

  Status add_all(const Mode& mode, std::vector<FitCase>& cases) {
    ASSAY_CHECK(add_dots(mode, cases));
    if (mode.name.ends_with(".out_f32")) return {};
    ASSAY_CHECK(add_products(mode, cases));
    ASSAY_CHECK(add_functions(mode, cases));
    return add_reductions(mode, cases);
  }

  /// A case of a graph whose inputs are rounded to the mode's type, as the recorder rounds them.
  Status add(const Mode& mode, const std::string& name, const std::string& group, const std::string& nodes,
             const Arrays& inputs, const Arrays& constants, const Tensor& observed, std::vector<FitCase>& cases) {
    std::string text = "graph \"probe\" {\n";
    Arrays given, fixed;
    for (const NamedArray& a : inputs) given.push_back({a.name, rounded(a.tensor, mode.type())});
    for (const NamedArray& a : constants)
      fixed.push_back({a.name, ir::is_float(a.tensor.elem()) ? rounded(a.tensor, mode.type()) : a.tensor});
    for (const Arrays* all : {&given, &fixed})
      for (const NamedArray& a : *all)
        text +=
            "const %" + a.name + ": " + ir::to_string(ir::Type::of(a.tensor.elem(), a.tensor.dims())) + " = #blob\n";
    ASSAY_TRY(const ir::Graph graph, graph_of(text + nodes + "\nreturn %y\n}", fixed, given));
    cases.push_back(
        {.name = name, .group = group, .model = model_of(graph), .inputs = given, .observed = {{"y", observed}}});
    return {};
  }

  Status add_dots(const Mode& mode, std::vector<FitCase>& cases) {
    for (const NamedArray& array : arrays_) {
      const auto parts = split(array.name, '/');
      if (parts.size() != 4 || parts[0] != "dot" || parts[1] != mode.name || parts[3] != "y") continue;
      const Tensor* rows = find(arrays_, "dot/rows/" + parts[2]);
      if (rows == nullptr || rows->rank() != 2) continue;
      Tensor x = rounded(*rows, mode.type()), y = decoded(array.tensor, mode.type());
      if (x.dims()[0] == 1) x = doubled(x), y = doubled(y);
      ASSAY_CHECK(add(mode, parts[2], "dot",
                      "%p: undefined[...] = MatMul(%x, %w)\n%y: undefined[...] = Gather(%p, %i) {axis = 1}", {{"x", x}},
                      {{"w", filled({x.dims()[1], 2}, 1)}, {"i", Tensor::scalar(int64_t{0})}}, y, cases));
    }
    return {};
  }

  const Tensor* recorded(const std::string& name) const { return find(arrays_, name); }

  Status add_products(const Mode& mode, std::vector<FitCase>& cases) {
    const std::string product = "%y: undefined[...] = MatMul(%x, %w)";
    if (const Tensor *x = recorded("operand/x"), *y = recorded("operand/" + mode.name + "/left"); x && y) {
      const Tensor values = decoded(*x, "f32");
      ASSAY_CHECK(add(mode, "left", "operand", product, {{"x", values}}, {{"w", identity(values.dims()[1])}},
                      decoded(*y, mode.type()), cases));
    }
    for (const int n : {128, 512}) {
      const std::string stem = fmt::format("random/{}/", n);
      const Tensor *a = recorded(stem + "a"), *b = recorded(stem + "b"), *y = recorded(stem + mode.name + "/y");
      if (a == nullptr || b == nullptr || y == nullptr) continue;
      const Tensor x = first_rows(decoded(*a, "f32"), y->dims()[0]);
      ASSAY_CHECK(add(mode, std::to_string(n), "random", product, {{"x", x}}, {{"w", decoded(*b, "f32")}},
                      decoded(*y, mode.type()), cases));
    }
    const Tensor *x = recorded("conv/x"), *w = recorded("conv/w"), *y = recorded("conv/" + mode.name + "/y");
    if (x == nullptr || w == nullptr || y == nullptr) return {};
    return add(mode, "conv", "conv",
               "%y: undefined[...] = Conv(%x, %w) {pads = ints[1, 1, 1, 1], kernel_shape = ints[3, 3]}",
               {{"x", decoded(*x, "f32")}}, {{"w", decoded(*w, "f32")}}, decoded(*y, mode.type()), cases);
  }

  Status add_functions(const Mode& mode, std::vector<FitCase>& cases) {
    constexpr std::pair<std::string_view, std::string_view> kFunctions[] = {
        {"exp", "Exp(%x)"},   {"log", "Log(%x)"},         {"sqrt", "Sqrt(%x)"},        {"reciprocal", "Reciprocal(%x)"},
        {"tanh", "Tanh(%x)"}, {"sigmoid", "Sigmoid(%x)"}, {"erf", "Erf(%x)"},          {"gelu", "Gelu(%x)"},
        {"sin", "Sin(%x)"},   {"cos", "Cos(%x)"},         {"softplus", "Softplus(%x)"}};
    Tensor x;
    if (mode.type() == "f32") {
      const Tensor* spread = recorded("elementwise/x32");
      if (spread == nullptr) return {};
      x = decoded(*spread, "f32");
    } else {
      x = Tensor::allocate(ElemType::float32, {65536});
      for (int i = 0; i < 65536; ++i)
        x.mutable_data<float>()[i] = static_cast<float>(num::decode(static_cast<uint64_t>(i), format_of(mode.type())));
    }
    for (const auto& [name, call] : kFunctions) {
      const Tensor* y = recorded("elementwise/" + mode.type() + "/" + std::string(name));
      if (y == nullptr || y->size() != x.size()) continue;
      ASSAY_CHECK(add(mode, std::string(name), std::string(name), "%y: undefined[...] = " + std::string(call),
                      {{"x", x}}, {}, decoded(*y, mode.type()), cases));
    }
    return {};
  }

  Status add_reductions(const Mode& mode, std::vector<FitCase>& cases) {
    constexpr std::pair<std::string_view, std::string_view> kReductions[] = {
        {"sum", "ReduceSum(%x, %axes) {keepdims = 0}"}, {"mean", "ReduceMean(%x, %axes) {keepdims = 0}"}};
    const Tensor* bits = recorded("reduce/x");
    if (bits == nullptr) return {};
    const Arrays axes = {{"axes", Tensor::of_ints({1})}};
    for (const auto& [name, call] : kReductions)
      if (const Tensor* y = recorded("reduce/" + mode.type() + "/" + std::string(name)))
        ASSAY_CHECK(add(mode, std::string(name), "reduce", "%y: undefined[...] = " + std::string(call),
                        {{"x", decoded(*bits, "f32")}}, axes, decoded(*y, mode.type()), cases));
    if (const Tensor* y = recorded("reduce/" + mode.type() + "/softmax"))
      ASSAY_CHECK(add(mode, "softmax", "softmax", "%y: undefined[...] = Softmax(%x) {axis = -1}",
                      {{"x", decoded(*bits, "f32")}}, {}, decoded(*y, mode.type()), cases));
    for (const int64_t n : {2048, 4096, 65536})
      if (const Tensor* y = recorded(fmt::format("reduce/{}/sum_ones_{}", mode.type(), n)))
        ASSAY_CHECK(add(mode, fmt::format("sum_ones_{}", n), "reduce",
                        "%y: undefined[...] = ReduceSum(%x, %axes) {keepdims = 0}", {{"x", filled({4, n}, 1)}}, axes,
                        decoded(*y, mode.type()), cases));
    return {};
  }

  const Arrays& arrays_;
};

}  // namespace

bool is_torch_recording(const Arrays& arrays) {
  return std::ranges::any_of(
      arrays, [](const NamedArray& a) { return a.name == "operand/x" || a.name.starts_with("dot/rows/"); });
}

Result<ProbeRecording> read_torch(const Arrays& arrays) { return Reader(arrays).run(); }

}  // namespace assay::audit
