// A lock on a file that the kernel holds for an open file and takes back when that is closed, however its process ends.

#include <sys/file.h>

#include <cerrno>

#include "calls.h"

namespace radin {

// lockFile(descriptor): 0 where the open file has the lock from now on, else the system's error number: EWOULDBLOCK where
// another open file of this or another process has it. flock and not fcntl: the latter's lock would go with any other
// descriptor of the file that this process closes. A child process that is started while the file is open does not keep
// the lock, since Node opens files with O_CLOEXEC.
napi_value lock_file(napi_env env, const Arguments& arguments) {
  const size_t descriptor = arguments.size(arguments[0], "Expected an integer for descriptor");
  if (descriptor > INT32_MAX) throw ArgumentError{"Expected a file's descriptor"};
  int failed = 0;
  do {
    failed = flock(static_cast<int>(descriptor), LOCK_EX | LOCK_NB);
  } while (failed != 0 && errno == EINTR);
  napi_value result = nullptr;
  check(napi_create_int32(env, failed == 0 ? 0 : errno, &result));
  return result;
}

}  // namespace radin
