// The module: { bindingVersion, average, score }. It has no state, so any number of threads may load it.

#include <new>

#include "calls.h"

namespace radin {

namespace {

// Equal to BINDING_VERSION in lib/cpu.ts; raised with every change of a signature, so that an addon left over from an
// earlier build is refused by name instead of being called wrongly.
constexpr int32_t kBindingVersion = 1;

using MakeJob = std::unique_ptr<Job> (*)(const RadinBackend&, const Arguments&);

// The last argument of every call is its state, an Int32Array of one element.
template <MakeJob make, size_t arguments_expected>
napi_value call(napi_env env, napi_callback_info info) {
  try {
    const Arguments arguments(env, info, arguments_expected);
    const Span<int32_t> state = arguments.int32(arguments[arguments_expected - 1], "Expected an Int32Array for state");
    if (state.size != 1) throw ArgumentError{"Expected one element for state"};
    return Job::start(make(*radin_cpu_backend(), arguments), env, arguments.held(), state.data);
  } catch (const ArgumentError& error) {
    napi_throw_type_error(env, nullptr, error.message);
  } catch (const std::bad_alloc&) {
    napi_throw_error(env, nullptr, "Not enough memory for the arguments of the call");
  } catch (const PendingException&) {
    // JavaScript already knows, or is gone.
  }
  return nullptr;
}

napi_value initialise(napi_env env, napi_value exports) {
  napi_value version = nullptr;
  if (napi_create_int32(env, kBindingVersion, &version) != napi_ok) return nullptr;
  const napi_property_descriptor properties[] = {
      {"bindingVersion", nullptr, nullptr, nullptr, nullptr, version, napi_enumerable, nullptr},
      {"average", nullptr, call<average_job, 6>, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"score", nullptr, call<score_job, 8>, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  const size_t count = sizeof properties / sizeof properties[0];
  return napi_define_properties(env, exports, count, properties) == napi_ok ? exports : nullptr;
}

}  // namespace

}  // namespace radin

NAPI_MODULE_INIT() { return radin::initialise(env, exports); }
