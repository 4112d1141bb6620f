// Any bytes as a model, run on tiny inputs: an error or results; never a crash, a hang or endless memory.
// The first kHeader bytes choose the profile and the inputs, the others are the model.
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <span>
#include <thread>

#include "base/cancel.h"
#include "base/checked.h"
#include "base/limits.h"
#include "exec/session.h"
#include "ir/verify.h"
#include "message_mutator.h"
#include "onnx/import.h"
#include "passes/infer_shapes.h"
#include "passes/resolve.h"
#include "profiles/profile.h"

namespace {
using namespace assay;

constexpr size_t kHeader = 8;
constexpr int64_t kMostElements = 4096;
constexpr uint64_t kMemory = uint64_t{64} << 20;
constexpr int64_t kIterations = 100;
constexpr const char* kProfiles[] = {"strict-f32", "coreml-nn-gpu"};
/// A model may ask for much work within its limits; it is interrupted, and what does not heed that is a hang.
constexpr std::chrono::seconds kPatience{2};

/// Interrupts the run that began last when it takes too long.
class Watch {
 public:
  void begin() {
    forget_cancel();
    deadline_ = now() + std::chrono::nanoseconds(kPatience).count();
  }

 private:
  static int64_t now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

  std::atomic<int64_t> deadline_{std::numeric_limits<int64_t>::max()};
  std::jthread thread_{[this](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      if (now() > deadline_) request_cancel();
    }
  }};
};

/// Numbers and dimensions out of the header, again and again.
class Choices {
 public:
  explicit Choices(std::span<const uint8_t> header) {
    for (const uint8_t byte : header) state_ = (state_ ^ byte) * 0x100000001B3ULL;
  }
  uint64_t below(uint64_t n) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state_ >> 33) % n;
  }

 private:
  uint64_t state_ = 0xCBF29CE484222325ULL;
};

double some_float(Choices& choices) {
  static constexpr double kOdd[] = {0.0, -0.0, 1, -1, 65504, 65520, 6e-8, 3e38, 1e-45, INFINITY, -INFINITY, NAN};
  if (choices.below(4) == 0) return kOdd[choices.below(std::size(kOdd))];
  return (static_cast<double>(choices.below(4096)) - 2048) / 512;
}

int64_t some_int(Choices& choices) {
  static constexpr int64_t kOdd[] = {std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min(), 127,
                                     -128};
  if (choices.below(32) == 0) return kOdd[choices.below(std::size(kOdd))];
  return static_cast<int64_t>(choices.below(10)) - 2;
}

ir::Tensor filled(ir::ElemType elem, ir::Dims dims, Choices& choices) {
  static const std::string kTexts[] = {"", "a", "1.5", "cat dog", "\xFF\xFE", "\xC3\xA4"};
  ir::Tensor t = ir::Tensor::allocate(elem, std::move(dims));
  for (int64_t i = 0; i < t.size(); ++i) {
    if (elem == ir::ElemType::string)
      t.mutable_strings()[static_cast<size_t>(i)] = kTexts[choices.below(std::size(kTexts))];
    else if (elem == ir::ElemType::boolean)
      t.set_int(i, static_cast<int64_t>(choices.below(2)));
    else if (ir::is_float(elem))
      t.set_float(i, some_float(choices));
    else
      t.set_int(i, some_int(choices));
  }
  return t;
}

std::optional<ir::Tensor> some_tensor(const ir::Type& type, Choices& choices) {
  const bool can_be_filled = type.elem == ir::ElemType::string || type.elem == ir::ElemType::boolean ||
                             ir::is_float(type.elem) || ir::is_integer(type.elem);
  if (!can_be_filled) return std::nullopt;
  ir::Dims dims;
  const auto shape = type.shape.value_or(std::vector<ir::Dim>(choices.below(5)));
  for (const ir::Dim& d : shape) dims.push_back(d.known() ? d.value : static_cast<int64_t>(1 + choices.below(3)));
  const auto count = checked_product(dims);
  if (!count || *count > kMostElements) return std::nullopt;
  return filled(type.elem, std::move(dims), choices);
}

std::optional<ir::Tensor> some_value(const ir::Type& type, Choices& choices) {
  if (type.is_tensor()) return some_tensor(type, choices);
  if (!type.element) return std::nullopt;
  std::vector<ir::Tensor> items;
  if (type.kind == ir::Type::Kind::map) {
    const auto count = static_cast<int64_t>(choices.below(4));
    for (const ir::ElemType elem : {type.elem, type.element->elem}) {
      auto part = some_tensor(ir::Type::of(elem, {count}), choices);
      if (!part) return std::nullopt;
      items.push_back(*std::move(part));
    }
    return ir::Tensor::of_items(std::move(items));
  }
  const uint64_t count = choices.below(type.kind == ir::Type::Kind::optional ? 2 : 4);
  for (uint64_t i = 0; i < count; ++i) {
    auto item = some_value(*type.element, choices);
    if (!item) return std::nullopt;
    items.push_back(*std::move(item));
  }
  return ir::Tensor::of_items(std::move(items));
}

template <class T>
void no_bug(const Result<T>& result) {
  if (!result.ok() && result.error().code == Code::internal) std::abort();
}

void run(const ir::Graph& model, const char* profile, Choices& choices) {
  auto graph = passes::resolve(model, *profiles::built_in_profile(profile), 0);
  no_bug(graph);
  if (!graph.ok()) return;
  if (!ir::verify(*graph).ok()) std::abort();
  std::vector<ir::Tensor> inputs;
  for (const ir::ValueId v : graph->inputs) {
    auto input = some_value(graph->at(v).type, choices);
    if (!input) return;
    inputs.push_back(*std::move(input));
  }
  auto session =
      exec::Session::create(std::make_shared<const ir::Graph>(*std::move(graph)), std::make_shared<const Threads>(1));
  no_bug(session);
  if (!session.ok()) return;
  no_bug(session->run(inputs));
}
}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  set_limits({.memory = kMemory, .iterations = kIterations});
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  if (size <= kHeader || seed % 8 == 0) return LLVMFuzzerMutate(data, size, most);
  return kHeader + fuzz::MessageMutator(seed).mutate(data + kHeader, size - kHeader, most - kHeader);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Watch watch;
  if (size < kHeader) return 0;
  watch.begin();
  Warnings warnings;
  auto graph = onnx::import_bytes(std::as_bytes(std::span(data, size).subspan(kHeader)), warnings);
  if (!graph.ok() || !passes::infer_shapes(*graph).ok()) return 0;
  if (!ir::verify(*graph).ok()) std::abort();
  Choices choices(std::span(data, kHeader));
  run(*graph, kProfiles[data[0] % std::size(kProfiles)], choices);
  return 0;
}
