#include "pb/reader.h"

#include <bit>
#include <cstring>

namespace assay::pb {
namespace {
static_assert(std::endian::native == std::endian::little, "fixed-width fields are copied as they are");

template <class T>
T load(Bytes bytes) {
  T value{};
  if (bytes.size() >= sizeof(T)) std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}
}  // namespace

Reader::Reader(Bytes bytes, std::string_view name, LargeHook large)
    : at_(bytes.data()), end_(bytes.data() + bytes.size()), origin_(bytes.data()), large_(large), name_(name) {}

void Reader::fail(const char* problem) {
  if (problem_) return;
  problem_ = problem;
  failed_at_ = at_;
  end_ = at_;
  state_ = State::read;
}

uint64_t Reader::raw_varint() {
  uint64_t value = 0;
  const std::byte* p = at_;
  for (int shift = 0; shift < 70; shift += 7) {
    if (p == end_) {
      fail("the message ends inside a number");
      return 0;
    }
    const auto b = std::to_integer<uint64_t>(*p++);
    value |= (b & 0x7f) << (shift & 63);
    if (b < 0x80) {
      at_ = p;
      return value;
    }
  }
  fail("a number is longer than ten bytes");
  return 0;
}

Bytes Reader::take(uint64_t length) {
  if (length > static_cast<uint64_t>(end_ - at_)) {
    fail("a length exceeds what is left of the message");
    return {};
  }
  const Bytes taken(at_, static_cast<size_t>(length));
  at_ += length;
  return taken;
}

bool Reader::next() {
  if (state_ == State::unread) skip();
  if (problem_ || at_ == end_) return false;
  field_at_ = at_;
  const uint64_t tag = raw_varint();
  if (problem_) return false;
  const uint64_t number = tag >> 3;
  const auto kind = static_cast<uint8_t>(tag & 7);
  if (number == 0 || number > 0x1fffffff) {
    fail("a field has an impossible number");
    return false;
  }
  if (kind != 0 && kind != 1 && kind != 2 && kind != 5) {
    fail("a field has an unknown wire type");
    return false;
  }
  field_ = static_cast<uint32_t>(number);
  wire_ = static_cast<Wire>(kind);
  state_ = State::unread;
  return true;
}

void Reader::skip() {
  switch (wire_) {
    case Wire::varint:
      raw_varint();
      break;
    case Wire::fixed64:
      take(8);
      break;
    case Wire::fixed32:
      take(4);
      break;
    case Wire::bytes:
      take(raw_varint());
      break;
  }
  state_ = State::read;
}

bool Reader::expect(Wire wire) {
  if (state_ != State::unread) return false;
  state_ = State::read;
  if (wire_ == wire) return true;
  fail("a field has another wire type than its schema says");
  return false;
}

uint64_t Reader::varint() { return expect(Wire::varint) ? raw_varint() : 0; }
float Reader::float32() { return expect(Wire::fixed32) ? load<float>(take(4)) : 0; }
double Reader::float64() { return expect(Wire::fixed64) ? load<double>(take(8)) : 0; }

Bytes Reader::bytes() {
  if (!expect(Wire::bytes)) return {};
  const uint64_t length = raw_varint();
  return problem_ ? Bytes{} : take(length);
}

Bytes Reader::large_bytes() {
  const Bytes b = bytes();
  if (large_ && b.size() >= kLarge) large_(origin_, b);
  return b;
}

std::string_view Reader::text() {
  const Bytes b = bytes();
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}

Bytes Reader::raw() {
  if (state_ != State::unread) return {};
  const std::byte* const start = field_at_;
  skip();
  return problem_ ? Bytes{} : Bytes(start, static_cast<size_t>(at_ - start));
}

Reader Reader::message(std::string_view name, int64_t index) {
  Reader child(bytes(), name, large_);
  child.origin_ = origin_;
  child.parent_ = this;
  child.index_ = index;
  child.depth_ = depth_ + 1;
  if (child.depth_ > kMaxDepth) child.fail("messages are nested too deeply");
  return child;
}

void Reader::append(std::vector<int64_t>& to) {
  if (wire_ != Wire::bytes) {
    to.push_back(int64());
    return;
  }
  const Bytes run = bytes();
  if (!each_varint(run, [&](uint64_t v) { to.push_back(static_cast<int64_t>(v)); }))
    fail("a packed run ends inside a number");
}

template <class T>
void Reader::append_fixed(std::vector<T>& to, T (Reader::*one)()) {
  if (wire_ != Wire::bytes) {
    to.push_back((this->*one)());
    return;
  }
  const Bytes run = bytes();
  if (run.size() % sizeof(T) != 0) return fail("a packed run ends inside a number");
  const size_t before = to.size();
  to.resize(before + run.size() / sizeof(T));
  if (!run.empty()) std::memcpy(to.data() + before, run.data(), run.size());
}

void Reader::append(std::vector<float>& to) { append_fixed(to, &Reader::float32); }
void Reader::append(std::vector<double>& to) { append_fixed(to, &Reader::float64); }

void Reader::append_run(std::vector<Bytes>& to, Wire element) {
  if (wire_ == Wire::bytes) {
    to.push_back(bytes());
    return;
  }
  if (!expect(element)) return;
  const std::byte* start = at_;
  if (element == Wire::varint)
    raw_varint();
  else
    take(element == Wire::fixed32 ? 4 : 8);
  // Neighbours in one unpacked list are not adjacent (a tag lies between), so each is a run of its own.
  if (!problem_) to.push_back(Bytes(start, static_cast<size_t>(at_ - start)));
}

std::string Reader::path() const {
  std::string own(name_);
  if (index_ >= 0) own += '[' + std::to_string(index_) + ']';
  if (!parent_) return own;
  const std::string outer = parent_->path();
  return outer.empty() ? own : outer + '.' + own;
}

Error Reader::error(Code code, std::string message) const {
  const std::byte* place = failed_at_ ? failed_at_ : at_;
  std::string where = "byte " + std::to_string(place - origin_);
  if (const std::string p = path(); !p.empty()) where += " in " + p;
  return Error{code, std::move(message), std::move(where), "export the file again, or check that it is complete"};
}

Status Reader::status() const {
  if (ok()) return {};
  const Code code = depth_ > kMaxDepth ? Code::limit_exceeded : Code::file_malformed;
  return error(code, problem_);
}

}  // namespace assay::pb
