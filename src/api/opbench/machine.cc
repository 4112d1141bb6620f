#include "api/opbench/machine.h"

#if defined(__APPLE__)
#include <sys/sysctl.h>
#else
#include <fstream>
#endif

namespace assay::api::opbench {

#if defined(__APPLE__)

std::string processor_name() {
  char name[256] = {};
  size_t size = sizeof(name) - 1;
  return ::sysctlbyname("machdep.cpu.brand_string", name, &size, nullptr, 0) == 0 ? name : "unknown";
}

#else

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

#endif

}  // namespace assay::api::opbench
