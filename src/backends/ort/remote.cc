#include "backends/ort/remote.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>
#include <optional>
#include <thread>

#include "backends/ort/child.h"
#include "backends/ort/session.h"
#include "backends/ort/wire.h"

namespace assay::backends::ort {
namespace {

class Remote : public Runner {
 public:
  explicit Remote(Child child) : child_(std::move(child)) {}
  const Opened& opened() const override { return opened_; }

  Status open(const Request& request) {
    ASSAY_TRY(const Frame reply, ask(encode(request)));
    ASSAY_TRY(opened_, decode_opened(reply));
    return {};
  }

  /// One run at a time: there is one process.
  Result<std::vector<ir::Tensor>> run(std::span<const ir::Tensor> inputs) override {
    const std::lock_guard lock(mutex_);
    if (lost_) return *lost_;
    ASSAY_TRY(const Frame reply, ask(encode(inputs)));
    ASSAY_TRY(std::vector<ir::Tensor> outputs, decode_tensors(reply));
    if (outputs.size() != opened_.outputs.size())
      return Error{Code::backend_crashed, "the worker process returned another number of outputs", "worker process",
                   "run it again; if it stays so, report it"};
    return outputs;
  }

 private:
  Result<Frame> ask(const pb::Writer& message) {
    Status sent = send(child_.socket(), message);
    // What it said before it ended may explain why it takes no more.
    auto reply = sent.ok() || sent.error().code == Code::backend_crashed ? receive(child_.socket())
                                                                         : Result<Frame>(std::move(sent).error());
    if (reply.ok()) return reply;
    const bool ended = reply.error().code == Code::backend_crashed;
    lost_ = ended ? child_.obituary()
                  : Error{Code::backend_crashed, "the process in which the runtime ran was ended by an interrupt",
                          "worker process", "open the program again"};
    child_.kill();
    return ended ? *lost_ : reply.error();
  }

  Child child_;
  Opened opened_;
  std::mutex mutex_;
  std::optional<Error> lost_;
};

}  // namespace

Result<std::shared_ptr<Runner>> open_remote(const Request& request, const std::vector<std::string>& worker) {
  ASSAY_TRY(Child child, Child::start(worker));
  auto remote = std::make_shared<Remote>(std::move(child));
  ASSAY_CHECK(remote->open(request));
  return std::shared_ptr<Runner>(std::move(remote));
}

namespace {
/// A run may take long, and its device is held meanwhile: whoever asked for it and is gone wants it no more.
void end_with_the_other_side(int socket) {
  std::thread([socket] {
    for (;;) {
      pollfd gone{socket, 0, 0};  // hang-ups are told unasked
#ifdef POLLRDHUP
      gone.events = POLLRDHUP;
#endif
      if (::poll(&gone, 1, -1) > 0 && (gone.revents & (POLLHUP | POLLERR | gone.events)) != 0) ::_exit(0);
    }
  }).detach();
}
}  // namespace

Status serve(int socket) {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) != 0)
    return Error{Code::usage, "`assay worker` serves other processes of Assay, which start it", "",
                 "run the real runtime with --provider ort:NAME"};
  end_with_the_other_side(socket);
  std::shared_ptr<Runner> runner;
  for (;;) {
    auto frame = receive(socket);
    if (!frame.ok()) return {};  // the other side is done
    const auto answer = [&]() -> Result<pb::Writer> {
      if (!runner) {
        ASSAY_TRY(const Request request, decode_request(*frame));
        ASSAY_TRY(runner, open_session(request));
        return encode(runner->opened());
      }
      ASSAY_TRY(const std::vector<ir::Tensor> inputs, decode_tensors(*frame));
      ASSAY_TRY(const std::vector<ir::Tensor> outputs, runner->run(inputs));
      // The writer views the outputs: it is sent while they live.
      ASSAY_CHECK(send(socket, encode(outputs)));
      return pb::Writer();
    };
    const auto answered = answer();
    if (answered.ok() && answered->size() == 0) continue;
    if (const Status sent = send(socket, answered.ok() ? *answered : encode(answered.error())); !sent.ok()) return sent;
  }
}

}  // namespace assay::backends::ort
