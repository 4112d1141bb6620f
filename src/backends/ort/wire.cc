#include "backends/ort/wire.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/cancel.h"
#include "base/checked.h"
#include "pb/reader.h"

namespace assay::backends::ort {
namespace {

constexpr uint64_t kProtocol = 1;            // both sides are of one release
constexpr uint64_t kMostBytes = 1ULL << 40;  // a length beyond it is no length
constexpr int kPollMs = 50;                  // how long a wish to stop may go unseen
constexpr size_t kPiece = 1U << 20;
#ifdef MSG_NOSIGNAL
constexpr int kSendFlags = MSG_NOSIGNAL;
#else
constexpr int kSendFlags = 0;  // the socket has SO_NOSIGPIPE
#endif

// Fields of the messages.
namespace request_field {
constexpr uint32_t kProtocol = 1, kModel = 2, kProvider = 3, kOption = 4, kSession = 5, kIntermediates = 6, kGiven = 7;
}
namespace reply_field {
constexpr uint32_t kError = 1, kInput = 2, kOutput = 3, kLibrary = 4, kVersion = 5, kProvider = 6, kMessage = 7,
                   kTensor = 8;
}
constexpr uint32_t kKey = 1, kValue = 2;                                           // of an option
constexpr uint32_t kCode = 1, kText = 2, kWhere = 3, kFix = 4;                     // of an error
constexpr uint32_t kName = 1, kElem = 2, kRanked = 3, kDim = 4, kDefault = 5;      // of a port
constexpr uint32_t kSize = 1, kSymbol = 2;                                         // of a dimension
constexpr uint32_t kTensorElem = 1, kTensorDims = 2, kBytes = 3, kTensorText = 4;  // of a tensor

Error broken(std::string message) {
  return Error{Code::backend_crashed, std::move(message), "worker process", "run it again; if it stays so, report it"};
}

void write_options(pb::Writer& to, uint32_t field, const std::map<std::string, std::string>& options) {
  for (const auto& [key, value] : options) {
    pb::Writer option;
    option.text(kKey, key);
    option.text(kValue, value);
    to.message(field, std::move(option));
  }
}

void read_option(pb::Reader from, std::map<std::string, std::string>& to) {
  std::string key, value;
  while (from.next()) {
    if (from.field() == kKey) key = from.text();
    if (from.field() == kValue) value = from.text();
  }
  to.emplace(std::move(key), std::move(value));
}

pb::Writer encode(const Port& port) {
  pb::Writer out;
  out.text(kName, port.name);
  out.varint(kElem, static_cast<uint64_t>(port.type.elem));
  out.varint(kRanked, port.type.ranked() ? 1 : 0);
  out.varint(kDefault, port.replaces_default ? 1 : 0);
  if (!port.type.ranked()) return out;
  for (const ir::Dim& dim : *port.type.shape) {
    pb::Writer one;
    one.int64(kSize, dim.value);
    one.text(kSymbol, dim.symbol);
    out.message(kDim, std::move(one));
  }
  return out;
}

ir::Dim read_dim(pb::Reader from) {
  ir::Dim dim;
  while (from.next()) {
    if (from.field() == kSize) dim.value = from.int64();
    if (from.field() == kSymbol) dim.symbol = from.text();
  }
  return dim;
}

ir::ElemType elem_of(uint64_t number) {
  return number < ir::kElemTypeCount ? static_cast<ir::ElemType>(number) : ir::ElemType::undefined;
}

Port read_port(pb::Reader from) {
  Port port;
  std::vector<ir::Dim> shape;
  bool ranked = false;
  while (from.next()) {
    switch (from.field()) {
      case kName:
        port.name = from.text();
        break;
      case kElem:
        port.type.elem = elem_of(from.varint());
        break;
      case kRanked:
        ranked = from.varint() != 0;
        break;
      case kDim:
        shape.push_back(read_dim(from.message("dim")));
        break;
      case kDefault:
        port.replaces_default = from.varint() != 0;
        break;
      default:
        break;
    }
  }
  if (ranked) port.type.shape = std::move(shape);
  return port;
}

Error read_error(pb::Reader from) {
  Error error;
  while (from.next()) {
    switch (from.field()) {
      case kCode:
        error.code = parse_code(std::to_string(from.varint())).value_or(Code::internal);
        break;
      case kText:
        error.message = from.text();
        break;
      case kWhere:
        error.where = from.text();
        break;
      case kFix:
        error.fix = from.text();
        break;
      default:
        break;
    }
  }
  return error;
}

Result<ir::Tensor> read_tensor(pb::Reader from, const Frame& frame) {
  ir::ElemType elem = ir::ElemType::undefined;
  ir::Dims dims;
  pb::Bytes bytes;
  std::vector<std::string> strings;
  while (from.next()) {
    switch (from.field()) {
      case kTensorElem:
        elem = elem_of(from.varint());
        break;
      case kTensorDims:
        from.append(dims);
        break;
      case kBytes:
        bytes = from.bytes();
        break;
      case kTensorText:
        strings.emplace_back(from.text());
        break;
      default:
        break;
    }
  }
  const auto count = checked_product(dims);
  if (!from.ok() || !count || elem == ir::ElemType::undefined) return broken("a tensor arrived damaged");
  if (elem == ir::ElemType::string) {
    if (strings.size() != static_cast<size_t>(*count)) return broken("a tensor of strings arrived damaged");
    return ir::Tensor::of_strings(std::move(dims), std::move(strings));
  }
  if (*count > static_cast<int64_t>(kMostBytes) || bytes.size() != ir::packed_bytes(elem, *count))
    return broken("a tensor arrived damaged");
  return ir::Tensor::view(elem, std::move(dims), bytes.data(), frame).aligned();
}

/// Reads a reply's fields; an error that it holds is the result.
template <class Take>
Status read_reply(const Frame& frame, Take take) {
  pb::Reader reader(*frame, "reply");
  while (reader.next()) {
    if (reader.field() == reply_field::kError) return read_error(reader.message("error"));
    ASSAY_CHECK(take(reader));
  }
  return reader.ok() ? Status() : broken("a reply arrived damaged");
}

/// Waits until the socket can be read or written.
Status wait(int socket, short what) {
  for (;;) {
    ASSAY_CHECK(check_cancel());
    pollfd one{.fd = socket, .events = what, .revents = 0};
    const int ready = ::poll(&one, 1, kPollMs);
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return broken(std::string("poll: ") + std::strerror(errno));
  }
}

Status send_bytes(int socket, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    ASSAY_CHECK(wait(socket, POLLOUT));
    const ssize_t sent = ::send(socket, bytes.data(), std::min(bytes.size(), kPiece), kSendFlags | MSG_DONTWAIT);
    if (sent < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) continue;
    if (sent < 0) return broken(std::string("it cannot be written to: ") + std::strerror(errno));
    bytes = bytes.subspan(static_cast<size_t>(sent));
  }
  return {};
}

Status receive_bytes(int socket, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    ASSAY_CHECK(wait(socket, POLLIN));
    const ssize_t got = ::recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) continue;
    if (got <= 0) return broken("it ended");
    bytes = bytes.subspan(static_cast<size_t>(got));
  }
  return {};
}

}  // namespace

pb::Writer encode(const Request& request) {
  pb::Writer out;
  out.varint(request_field::kProtocol, kProtocol);
  out.text(request_field::kModel, request.model);
  out.text(request_field::kProvider, request.words.provider);
  write_options(out, request_field::kOption, request.words.options);
  write_options(out, request_field::kSession, request.words.session);
  out.varint(request_field::kIntermediates, request.intermediates ? 1 : 0);
  for (const std::string& name : request.given) out.text(request_field::kGiven, name);
  return out;
}

pb::Writer encode(const Opened& opened) {
  pb::Writer out;
  for (const Port& port : opened.inputs) out.message(reply_field::kInput, encode(port));
  for (const Port& port : opened.outputs) out.message(reply_field::kOutput, encode(port));
  out.text(reply_field::kLibrary, opened.library);
  out.text(reply_field::kVersion, opened.version);
  for (const std::string& name : opened.providers) out.text(reply_field::kProvider, name);
  for (const std::string& line : opened.messages) out.text(reply_field::kMessage, line);
  return out;
}

pb::Writer encode(const Error& error) {
  pb::Writer one, out;
  one.varint(kCode, static_cast<uint64_t>(error.code));
  one.text(kText, error.message);
  one.text(kWhere, error.where);
  one.text(kFix, error.fix);
  out.message(reply_field::kError, std::move(one));
  return out;
}

pb::Writer encode(std::span<const ir::Tensor> tensors) {
  pb::Writer out;
  for (const ir::Tensor& tensor : tensors) {
    pb::Writer one;
    one.varint(kTensorElem, static_cast<uint64_t>(tensor.elem()));
    one.packed(kTensorDims, std::span<const int64_t>(tensor.dims()));
    if (tensor.elem() == ir::ElemType::string) {
      for (const std::string& s : tensor.strings()) one.text(kTensorText, s);
    } else if (tensor.byte_size() > 0) {
      one.borrow(kBytes, {tensor.bytes(), tensor.byte_size()});
    }
    out.message(reply_field::kTensor, std::move(one));
  }
  return out;
}

Result<Request> decode_request(const Frame& frame) {
  Request request;
  uint64_t protocol = 0;
  pb::Reader reader(*frame, "request");
  while (reader.next()) {
    switch (reader.field()) {
      case request_field::kProtocol:
        protocol = reader.varint();
        break;
      case request_field::kModel:
        request.model = reader.text();
        break;
      case request_field::kProvider:
        request.words.provider = reader.text();
        break;
      case request_field::kOption:
        read_option(reader.message("option"), request.words.options);
        break;
      case request_field::kSession:
        read_option(reader.message("session"), request.words.session);
        break;
      case request_field::kIntermediates:
        request.intermediates = reader.varint() != 0;
        break;
      case request_field::kGiven:
        request.given.emplace_back(reader.text());
        break;
      default:
        break;
    }
  }
  if (!reader.ok()) return broken("the request arrived damaged");
  if (protocol != kProtocol) return broken("the worker is of another release of Assay");
  return request;
}

Result<Opened> decode_opened(const Frame& frame) {
  Opened opened;
  ASSAY_CHECK(read_reply(frame, [&](pb::Reader& reader) -> Status {
    switch (reader.field()) {
      case reply_field::kInput:
        opened.inputs.push_back(read_port(reader.message("input")));
        break;
      case reply_field::kOutput:
        opened.outputs.push_back(read_port(reader.message("output")));
        break;
      case reply_field::kLibrary:
        opened.library = reader.text();
        break;
      case reply_field::kVersion:
        opened.version = reader.text();
        break;
      case reply_field::kProvider:
        opened.providers.emplace_back(reader.text());
        break;
      case reply_field::kMessage:
        opened.messages.emplace_back(reader.text());
        break;
      default:
        break;
    }
    return {};
  }));
  return opened;
}

Result<std::vector<ir::Tensor>> decode_tensors(const Frame& frame) {
  std::vector<ir::Tensor> tensors;
  ASSAY_CHECK(read_reply(frame, [&](pb::Reader& reader) -> Status {
    if (reader.field() != reply_field::kTensor) return {};
    ASSAY_TRY(ir::Tensor tensor, read_tensor(reader.message("tensor"), frame));
    tensors.push_back(std::move(tensor));
    return {};
  }));
  return tensors;
}

Status send(int socket, const pb::Writer& message) {
  std::array<std::byte, 8> length{};
  for (size_t i = 0; i < length.size(); ++i) length[i] = static_cast<std::byte>(message.size() >> 8 * i);
  ASSAY_CHECK(send_bytes(socket, length));
  return message.each([socket](std::span<const std::byte> piece) { return send_bytes(socket, piece); });
}

Result<Frame> receive(int socket) {
  std::array<std::byte, 8> bytes{};
  ASSAY_CHECK(receive_bytes(socket, bytes));
  uint64_t length = 0;
  for (size_t i = 0; i < bytes.size(); ++i) length |= std::to_integer<uint64_t>(bytes[i]) << 8 * i;
  if (length > kMostBytes) return broken("it says what is no message");
  // Memory grows with what arrives, not with what a length claims.
  auto frame = std::make_shared<std::vector<std::byte>>();
  while (frame->size() < length) {
    const size_t begin = frame->size();
    frame->resize(begin + std::min<uint64_t>(length - begin, 64 * kPiece));
    ASSAY_CHECK(receive_bytes(socket, std::span(*frame).subspan(begin)));
  }
  return Frame(std::move(frame));
}

}  // namespace assay::backends::ort
