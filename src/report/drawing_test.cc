// What pages are drawn with: layouts, pictures, and how both are written.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "report/base64.h"
#include "report/graph_layout.h"
#include "report/image.h"
#include "report/png.h"

namespace assay::report {
namespace {

TEST(Base64, Vectors) {  // RFC 4648, 10
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) EXPECT_EQ(to_base64(bytes), text);
}

TEST(Png, HasItsSizeAndKind) {
  const std::vector<uint8_t> pixels(3 * 5 * 4, 200);
  const std::string png = to_png(pixels, 5, 4, 3);
  ASSERT_GT(png.size(), 33U);
  EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(png.substr(12, 4), "IHDR");
  EXPECT_EQ(png[19], 5);
  EXPECT_EQ(png[23], 4);
  EXPECT_EQ(png[25], 2);  // true colour
}

std::vector<std::pair<size_t, size_t>> chain(size_t n) {
  std::vector<std::pair<size_t, size_t>> edges;
  for (size_t i = 1; i < n; ++i) edges.emplace_back(i - 1, i);
  return edges;
}

TEST(Draw, EdgesRunDownwardsAndBoxesDoNotOverlap) {
  auto edges = chain(40);
  for (size_t i = 6; i < 40; i += 5) edges.emplace_back(i - 6, i);
  edges.emplace_back(3, 3);    // left out
  edges.emplace_back(3, 400);  // left out
  const std::vector<GraphBox> boxes(40, {80, 30});
  const GraphDrawing d = draw(boxes, edges);
  ASSERT_EQ(d.nodes.size(), 40U);
  EXPECT_EQ(d.edges.size(), edges.size() - 2);
  for (const auto& edge : d.edges) {
    EXPECT_LT(d.nodes[edge.from].y, d.nodes[edge.to].y);
    ASSERT_EQ(edge.curve.size() % 3, 1U);
    EXPECT_LT(edge.curve.front().y, edge.curve.back().y);
  }
  for (size_t i = 0; i < 40; ++i) {
    EXPECT_GE(d.nodes[i].x, 40 - 1e-6);
    EXPECT_LE(d.nodes[i].y, d.height - 15 + 1e-6);
    for (size_t k = 0; k < i; ++k)
      EXPECT_TRUE(std::abs(d.nodes[i].x - d.nodes[k].x) >= 80 || std::abs(d.nodes[i].y - d.nodes[k].y) >= 30);
  }
}

TEST(Draw, IsTheSameEveryTimeFromEveryThread) {
  const std::vector<GraphBox> boxes(60, {80, 30});
  const auto text = [&] {
    std::string out;
    for (const auto& p : draw(boxes, chain(60)).nodes) out += std::to_string(p.x) + " " + std::to_string(p.y) + "\n";
    return out;
  };
  const std::string first = text();
  std::vector<std::string> others(4);
  std::vector<std::thread> threads;
  threads.reserve(others.size());
  for (std::string& other : others) threads.emplace_back([&] { other = text(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::ranges::count(others, first), 4);
}

TEST(Draw, KnowsItsLimits) {
  EXPECT_TRUE(draw({}, {}).empty());
  EXPECT_TRUE(draw(std::vector<GraphBox>(kMostDrawn + 1, {10, 10}), {}).empty());
  EXPECT_EQ(draw({{10, 10}}, {}).nodes.size(), 1U);
}

audit::AuditResult flips(std::initializer_list<int64_t> samples) {
  audit::AuditResult a;
  a.samples = 4;
  a.first_sample = 100;
  for (const int64_t sample : samples) {
    if (a.candidates.empty()) a.candidates.emplace_back();
    a.candidates[0].flips.emplace_back().sample = sample;
  }
  return a;
}

ir::Tensor filled(ir::ElemType elem, ir::Dims dims) {
  ir::Tensor tensor = ir::Tensor::allocate(elem, std::move(dims));
  std::memset(tensor.mutable_data<std::byte>(), 0, tensor.byte_size());
  return tensor;
}

TEST(Thumbnails, AreOfSamplesThatChange) {
  const ir::Tensor nchw = filled(ir::ElemType::float32, {4, 3, 8, 200}), plain = filled(ir::ElemType::float32, {4, 10});
  const audit::AuditResult a = flips({101, 103, 999});
  EXPECT_TRUE(thumbnails(a, {{"x", plain}}).empty());
  const Thumbnails found = thumbnails(a, {{"p", plain}, {"x", nchw}});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_TRUE(found.contains(101));
  EXPECT_TRUE(found.at(103).starts_with("data:image/png;base64,iVBORw0KGgo"));
  EXPECT_EQ(thumbnails(a, {{"x", nchw}}, 1).size(), 1U);
  EXPECT_TRUE(thumbnails(a, {{"x", filled(ir::ElemType::float32, {3, 3, 8, 8})}}).empty());  // of other samples
  EXPECT_EQ(thumbnails(a, {{"x", filled(ir::ElemType::uint8, {4, 9, 9, 1})}}).size(), 2U);
}

}  // namespace
}  // namespace assay::report
