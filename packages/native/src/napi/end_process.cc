// The end of this process at once, for which the ordinary one has to wait.

#include <unistd.h>

#include "calls.h"

namespace radin {

// endProcess(code): does not return. exit() would first wait for the threads that read, write and compute: for a slow disk, seconds.
napi_value end_process(napi_env, const Arguments& arguments) {
  const size_t code = arguments.size(arguments[0], "Expected an integer for code");
  if (code > 255) throw ArgumentError{"Expected a process's exit code"};
  _exit(static_cast<int>(code));
}

}  // namespace radin
