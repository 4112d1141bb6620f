// The program `assay`. The same command line is in the Python package, whose module holds the library already.
#include "cli/command.h"

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  return assay::cli::main(words);
}
