// The CPU's function table: the only place where C++ exceptions meet the C ABI.

#include <exception>

#include "average.h"
#include "score.h"

namespace {

template <class Request, RadinStatus (*kernel)(const Request&, const RadinRun&)>
RadinStatus guarded(const Request* request, const RadinRun* run) noexcept {
  try {
    return kernel(*request, *run);
  } catch (const std::exception&) {  // only the allocation of work space throws
    return RADIN_OUT_OF_MEMORY;
  }
}

constexpr RadinBackend kBackend = {guarded<RadinAverage, radin::average>, guarded<RadinScore, radin::score>};

}  // namespace

const RadinBackend* radin_cpu_backend(void) { return &kBackend; }
