#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "backends/ort/find.h"
#include "backends/ort/outputs.h"
#include "backends/ort/wire.h"
#include "backends/ort/words.h"
#include "onnx/import.h"
#include "onnx/test_bytes.h"

namespace assay::backends::ort {
namespace {

TEST(OrtWords, AreSortedByWhomTheyAreFor) {
  const auto words = parse_words("ort:CUDAExecutionProvider:use_tf32=0,session.intra_op_num_threads=1,a.b=c");
  ASSERT_TRUE(words.ok()) << words.error().message;
  EXPECT_EQ(words->provider, "CUDAExecutionProvider");
  EXPECT_EQ(words->options, (std::map<std::string, std::string>{{"use_tf32", "0"}}));
  EXPECT_EQ(words->session, (std::map<std::string, std::string>{{"session.intra_op_num_threads", "1"}, {"a.b", "c"}}));
  EXPECT_TRUE(words->isolated);
  EXPECT_FALSE(parse_words("ort:CUDAExecutionProvider:isolate=0")->isolated);
  EXPECT_FALSE(parse_words("ort:CPUExecutionProvider")->isolated);
  EXPECT_TRUE(parse_words("ort:CPUExecutionProvider:isolate=1")->isolated);
}

TEST(OrtWords, AreRefused) {
  for (const char* const text :
       {"ort:", "ort:CUDA", "ort:CPUExecutionProvider:isolate=yes", "ort:CPUExecutionProvider:use_tf32=0",
        "ort:CPUExecutionProvider:session.intra_op_num_threads=-1",
        "ort:CPUExecutionProvider:session.execution_mode=fast",
        "ort:CPUExecutionProvider:session.intra_op_num_thread=1", "ort:CPUExecutionProvider:a"}) {
    const auto words = parse_words(text);
    ASSERT_FALSE(words.ok()) << text;
    EXPECT_EQ(words.error().code, Code::usage) << text;
    EXPECT_FALSE(words.error().fix.empty()) << text;
  }
}

namespace b = onnx::bytes;
std::string two_nodes() {
  const std::string type = b::tensor_type(1, b::dim(2));
  return b::model(b::str(1, b::node("Relu", {"x"}, {"r"})) + b::str(1, b::node("Neg", {"r"}, {"y"})) +
                  b::str(11, b::value("x", type)) + b::str(12, b::value("y", type)));
}
std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

TEST(OrtOutputs, AreAddedBehindTheModelsOwn) {
  const std::string model = two_nodes();
  const auto inner = inner_values(bytes_of(model));
  ASSERT_TRUE(inner.ok()) << inner.error().message;
  EXPECT_EQ(*inner, std::vector<std::string>{"r"});
  const std::string more = add_outputs(bytes_of(model), *inner);
  EXPECT_TRUE(more.starts_with(model));
  Warnings warnings;
  const auto graph = onnx::import_bytes(bytes_of(more), warnings);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  std::vector<std::string> names;
  for (const ir::ValueId id : graph->outputs) names.push_back(graph->at(id).name);
  EXPECT_EQ(names, (std::vector<std::string>{"y", "r"}));
}

TEST(OrtOutputs, DamagedModelIsAnError) {
  const std::string model = two_nodes();
  EXPECT_EQ(inner_values(bytes_of(model.substr(0, model.size() - 3))).error().code, Code::file_malformed);
}

Frame frame_of(const pb::Writer& message) {
  auto frame = std::make_shared<std::vector<std::byte>>();
  EXPECT_TRUE(message
                  .each([&](std::span<const std::byte> piece) -> Status {
                    frame->insert(frame->end(), piece.begin(), piece.end());
                    return {};
                  })
                  .ok());
  return frame;
}

std::vector<ir::Tensor> some_tensors() {
  const std::vector<float> floats = {1, -0.0F, 3};
  const std::vector<uint8_t> halves = {1, 0, 1, 0, 1, 1, 1, 0};
  return {ir::Tensor::of<float>(ir::ElemType::float32, {3, 1}, floats), ir::Tensor::of_strings({2}, {"", "zwei"}),
          ir::Tensor::of<uint8_t>(ir::ElemType::boolean, {2, 2, 2}, halves),
          ir::Tensor::allocate(ir::ElemType::float16, {0, 5}), ir::Tensor::scalar(int64_t{-7})};
}

TEST(OrtWire, TensorsArriveAsTheyWere) {
  const std::vector<ir::Tensor> sent = some_tensors();
  const auto got = decode_tensors(frame_of(encode(sent)));
  ASSERT_TRUE(got.ok()) << got.error().message;
  ASSERT_EQ(got->size(), sent.size());
  for (size_t i = 0; i < sent.size(); ++i) EXPECT_TRUE(ir::same_bits(sent[i], (*got)[i])) << i;
}

TEST(OrtWire, RequestsAndRepliesArriveAsTheyWere) {
  Request request;
  request.model = "m.onnx";
  request.words.provider = "XnnpackExecutionProvider";
  request.words.options = {{"a", "b"}};
  request.words.session = {{"session.x", ""}};
  request.intermediates = true;
  request.given = {"x", "w"};
  const auto asked = decode_request(frame_of(encode(request)));
  ASSERT_TRUE(asked.ok()) << asked.error().message;
  EXPECT_EQ(asked->model, request.model);
  EXPECT_EQ(asked->words.provider, request.words.provider);
  EXPECT_EQ(asked->words.options, request.words.options);
  EXPECT_EQ(asked->words.session, request.words.session);
  EXPECT_TRUE(asked->intermediates);
  EXPECT_EQ(asked->given, request.given);

  Opened opened;
  opened.inputs.push_back(
      {.name = "x", .type = ir::Type::tensor(ir::ElemType::float16, std::vector{ir::Dim("n"), ir::Dim(3)})});
  opened.outputs.push_back({.name = "y", .type = ir::Type::tensor(ir::ElemType::string)});
  opened.inputs[0].replaces_default = true;
  opened.providers = {"CPUExecutionProvider"};
  opened.messages = {"careful"};
  const auto told = decode_opened(frame_of(encode(opened)));
  ASSERT_TRUE(told.ok()) << told.error().message;
  EXPECT_EQ(told->inputs[0].name, "x");
  EXPECT_EQ(told->inputs[0].type, opened.inputs[0].type);
  EXPECT_TRUE(told->inputs[0].replaces_default);
  EXPECT_EQ(told->outputs[0].type, opened.outputs[0].type);
  EXPECT_EQ(told->providers, opened.providers);
  EXPECT_EQ(told->messages, opened.messages);

  const auto refused = decode_opened(frame_of(encode(Error{Code::backend_missing, "none", "here", "install it"})));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::backend_missing);
  EXPECT_EQ(refused.error().fix, "install it");
}

// Whatever a dying process leaves of a message is an error, never more than the message holds.
TEST(OrtWire, CutAndChangedMessagesAreErrorsOrOtherTensors) {
  const Frame whole = frame_of(encode(some_tensors()));
  for (size_t n = 0; n < whole->size(); ++n) {
    const auto cut = std::make_shared<std::vector<std::byte>>(whole->begin(), whole->begin() + static_cast<long>(n));
    const auto read = decode_tensors(cut);
    EXPECT_TRUE(!read.ok() || read->size() < some_tensors().size()) << n;
    for (const std::byte other : {std::byte{0}, std::byte{0xff}, std::byte{0x08}}) {
      const auto changed = std::make_shared<std::vector<std::byte>>(*whole);
      (*changed)[n] = other;
      (void)decode_tensors(changed);
    }
  }
}

TEST(OrtWire, FramesPassASocketAndItsEndIsAnError) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  const std::vector<ir::Tensor> big = {ir::Tensor::allocate(ir::ElemType::uint8, {3 << 20})};
  std::fill_n(const_cast<std::byte*>(big[0].bytes()), big[0].byte_size(), std::byte{42});
  std::thread sender([&] {
    EXPECT_TRUE(send(ends[0], encode(big)).ok());
    EXPECT_EQ(::write(ends[0], "\x10\0\0\0\0\0\0\0half", 12), 12);
    ::close(ends[0]);
  });
  const auto frame = receive(ends[1]);
  ASSERT_TRUE(frame.ok()) << frame.error().message;
  EXPECT_TRUE(ir::same_bits(big[0], decode_tensors(*frame)->at(0)));
  EXPECT_EQ(receive(ends[1]).error().code, Code::backend_crashed);
  sender.join();
  EXPECT_EQ(send(ends[1], encode(big)).error().code, Code::backend_crashed);
  ::close(ends[1]);
}

class OrtFind : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* const name : {"PATH", "VIRTUAL_ENV"}) before_.emplace_back(name, value(name));
    root_ = std::filesystem::temp_directory_path() / ("assay-find-" + std::to_string(::getpid()));
    ::unsetenv("VIRTUAL_ENV");
  }
  void TearDown() override {
    for (const auto& [name, text] : before_) text ? ::setenv(name, text->c_str(), 1) : ::unsetenv(name);
    std::filesystem::remove_all(root_);
  }
  static std::optional<std::string> value(const char* name) {
    const char* const text = std::getenv(name);
    return text == nullptr ? std::nullopt : std::optional<std::string>(text);
  }
  std::string put(const std::string& path) const {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << "not loaded";
    return (root_ / path).string();
  }
  std::string root(const std::string& path) const { return (root_ / path).string(); }

 private:
  std::vector<std::pair<const char*, std::optional<std::string>>> before_;
  std::filesystem::path root_;
};

TEST_F(OrtFind, LooksIntoTheEnvironmentThenBesidePython) {
  const std::string capi = "/site-packages/onnxruntime/capi/";
  const std::string in_environment = put("env/lib/python3.12" + capi + "libonnxruntime.so.1.30.0");
  const std::string beside_python = put("prefix/lib/python3.11" + capi + "libonnxruntime.so.1.20.0");
  put("prefix/lib/python3.11" + capi + "libonnxruntime_providers_shared.so");
  put("prefix/bin/python3");
  ::setenv("PATH", root("prefix/bin").c_str(), 1);
  EXPECT_EQ(find_libraries(), std::vector{beside_python});
  ::setenv("VIRTUAL_ENV", root("env").c_str(), 1);
  EXPECT_EQ(find_libraries(), (std::vector{in_environment, beside_python}));
}

TEST_F(OrtFind, LooksNowhereElse) {
  ::setenv("PATH", root("empty").c_str(), 1);
  EXPECT_TRUE(find_libraries().empty());
}

}  // namespace
}  // namespace assay::backends::ort
