// Enough of ONNX Runtime's C interface to open a model of one input x float32[1,4] and one output y float32[1,3]. The
// positions are written down here once more, so that a slip in src/backends/ort/abi.h shows.
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

using Status = const char;  // null is success; else the message itself
using Any = void*;

std::string mode() {
  const char* const asked = std::getenv("FAKE_ORT");
  return asked == nullptr ? "" : asked;
}

char object;  // every object is this one
char* names[] = {const_cast<char*>("CPUExecutionProvider"), const_cast<char*>("XnnpackExecutionProvider")};

Status* made(Any out) {
  *static_cast<Any*>(out) = &object;
  return nullptr;
}
const char* message(Status* status) { return status; }
void release(Any) {}

Status* create_env(Any, Any, int, const char*, Any out) { return made(out); }
Status* create_session(Any, const char*, Any, Any out) {
  if (mode() == "abort-open") std::abort();
  if (mode() == "refuse") return "the fake refuses every model";
  return made(out);
}
Status* make_memory(int, int, Any out) { return made(out); }
Status* one(Any, size_t* count) {
  *count = 1;
  return nullptr;
}
Status* none(Any, size_t* count) {
  *count = 0;
  return nullptr;
}
Status* type_info(Any, size_t, Any out) { return made(out); }
Status* input_name(Any, size_t, Any, const char** out) {
  *out = "x";
  return nullptr;
}
Status* output_name(Any, size_t, Any, const char** out) {
  *out = "y";
  return nullptr;
}
Status* free_name(Any, Any) { return nullptr; }
Status* tensor_type(Any, int* out) {
  *out = mode() == "sequence" ? 2 : 1;
  return nullptr;
}
Status* tensor_info(Any, Any out) { return made(out); }
Status* float32(Any, int* out) {
  *out = 1;
  return nullptr;
}
Status* rank(Any, size_t* out) {
  *out = 1;
  return nullptr;
}
Status* dimensions(Any, int64_t* out, size_t) {
  *out = 4;
  return nullptr;
}
Status* symbols(Any, const char** out, size_t) {
  *out = "";
  return nullptr;
}
Status* providers(Any out, int* count) {
  *static_cast<char***>(out) = names;
  *count = 2;
  return nullptr;
}
Status* release_providers(Any, int) { return nullptr; }
/// In mode "options" every option is refused with its own words.
Status* told(const std::string& what) {
  static std::string said;
  if (mode() != "options") return nullptr;
  said = "the fake was told " + what;
  return said.c_str();
}
template <int kPosition>
Status* set(Any, int value) {
  return told(std::to_string(kPosition) + ": " + std::to_string(value));
}
Status* add_entry(Any, const char* key, const char* value) { return told(std::string("130: ") + key + "=" + value); }
Status* append(Any, const char* name, const char* const* keys, const char* const* values, size_t count) {
  std::string text = name;
  for (size_t i = 0; i < count; ++i) text += std::string(" ") + keys[i] + "=" + values[i];
  if (Status* const status = told(text)) return status;
  return std::strcmp(name, "XNNPACK") == 0 ? nullptr : "no such short name";
}
Status* view(Any, Any, size_t, Any, size_t, int, Any out) { return made(out); }

Status* run(Any, Any, Any, Any, size_t, Any, size_t, Any) {
  std::fprintf(stderr, "the fake begins\nand now it is %s\n", mode().c_str());
  std::fflush(stderr);
  if (mode() == "abort") std::abort();
  if (mode() == "segv") {
    std::signal(SIGSEGV, SIG_DFL);  // sanitizers have a handler
    std::raise(SIGSEGV);
  }
  if (mode() == "exit") std::_Exit(7);
  if (const char* const file = std::getenv("FAKE_ORT_PID")) {
    if (std::FILE* const out = std::fopen(file, "w")) {
      std::fprintf(out, "%d\n", static_cast<int>(::getpid()));
      std::fclose(out);
    }
  }
  while (mode() == "hang") ::sleep(1);
  return "the fake computes nothing";
}

[[noreturn]] void not_there() {
  std::fprintf(stderr, "a function that the fake does not have was called\n");
  std::abort();
}

template <class F>
Any entry(F* function) {
  return reinterpret_cast<Any>(function);
}

const void* const* table(uint32_t version) {
  static std::array<Any, 280> entries;
  if (version > 17 || mode() == "old") return nullptr;
  entries.fill(entry(not_there));
  entries[2] = entry(message);
  entries[4] = entry(create_env);
  entries[7] = entry(create_session);
  entries[9] = entry(run);
  entries[10] = entries[39] = entries[78] = entry(made);
  entries[13] = entry(set<13>);
  entries[23] = entry(set<23>);
  entries[24] = entry(set<24>);
  entries[25] = entry(set<25>);
  entries[30] = entries[31] = entry(one);
  entries[32] = entry(none);
  entries[33] = entries[34] = entry(type_info);
  entries[36] = entry(input_name);
  entries[37] = entry(output_name);
  entries[49] = entry(view);
  entries[55] = entry(tensor_info);
  entries[56] = entry(tensor_type);
  entries[60] = entry(float32);
  entries[61] = entry(rank);
  entries[62] = entry(dimensions);
  entries[63] = entry(symbols);
  entries[69] = entry(make_memory);
  entries[76] = entry(free_name);
  for (size_t i = 93; i <= 100; ++i) entries[i] = entry(release);
  entries[125] = entry(providers);
  entries[126] = entry(release_providers);
  entries[130] = entry(add_entry);
  entries[216] = entry(append);
  return entries.data();
}

const char* version() { return mode() == "old" ? "1.16.3" : "1.17.0"; }

struct Base {
  const void* const* (*get_api)(uint32_t);
  const char* (*version_text)();
};

}  // namespace

extern "C" __attribute__((visibility("default"))) const Base* OrtGetApiBase() {
  static const Base base{table, version};
  return &base;
}
