// What two processes say to each other about a session: frames of a length and a message in protobuf's wire format,
// tensors as their bytes. Everything that arrives is checked: the other side may have been killed in the middle.
#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backends/ort/runner.h"
#include "base/result.h"
#include "pb/writer.h"

namespace assay::backends::ort {

/// A frame that arrived; what is read from it views it.
using Frame = std::shared_ptr<const std::vector<std::byte>>;

pb::Writer encode(const Request& request);
pb::Writer encode(const Opened& opened);
pb::Writer encode(const Error& error);
/// The writer views the tensors.
pb::Writer encode(std::span<const ir::Tensor> tensors);

// Errors: backend_crashed for what is no such message; for replies the error that the other side sent instead.
Result<Request> decode_request(const Frame& frame);
Result<Opened> decode_opened(const Frame& frame);
Result<std::vector<ir::Tensor>> decode_tensors(const Frame& frame);

/// Writes a frame to a socket. Errors: backend_crashed when the other side is gone; cancelled.
Status send(int socket, const pb::Writer& message);
/// Waits for a frame. Errors: the same.
Result<Frame> receive(int socket);

}  // namespace assay::backends::ort
