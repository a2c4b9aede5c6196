// The module: bindingVersion, backends and the calls of calls.h. Any number of threads may load it: its only state is
// the CUDA library, once loaded.

#include <exception>
#include <new>
#include <string>

#include "../cpu/sha256.h"
#include "backends.h"
#include "calls.h"

namespace radin {

namespace {

// Equal to BINDING_VERSION in lib/addon.ts; raised with every change of a signature, so that an addon left over from an
// earlier build is refused by name instead of being called wrongly.
constexpr int32_t kBindingVersion = 11;

// @throws ArgumentError unless it is one that this machine has: another's instructions would end the process.
const RadinBackend& backend_at(size_t index) {
  const ListedBackend listed = index < backend_count() ? listed_backend(index) : ListedBackend{};
  if (listed.backend == nullptr || listed.reason != nullptr) throw ArgumentError{"Expected an available backend"};
  return *listed.backend;
}

using MakeJob = std::unique_ptr<Job> (*)(const RadinBackend&, const Arguments&);

// Turns what `action` throws into a JavaScript error.
template <class Action>
napi_value guarded(napi_env env, const Action& action) {
  try {
    return action();
  } catch (const ArgumentError& error) {
    napi_throw_type_error(env, nullptr, error.message);
  } catch (const std::bad_alloc&) {
    napi_throw_error(env, nullptr, "Not enough memory for the arguments of the call");
  } catch (const PendingException&) {
    // JavaScript already knows, or is gone.
  }
  return nullptr;
}

// The last argument of every call is its state, an Int32Array of two elements.
template <class Make>
napi_value start(napi_env env, const Arguments& arguments, size_t count, const Make& make) {
  const Span<int32_t> state = arguments.int32(arguments[count - 1], "Expected an Int32Array for state");
  if (state.size != 2) throw ArgumentError{"Expected two elements for state"};
  return Job::start(make(), env, arguments.held(), state.data);
}

// A call of a backend, whose index is the first argument.
template <MakeJob make, size_t arguments_expected>
napi_value call(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const Arguments arguments(env, info, arguments_expected);
    const RadinBackend& backend = backend_at(arguments.size(arguments[0], "Expected an integer for backend"));
    return start(env, arguments, arguments_expected, [&] { return make(backend, arguments); });
  });
}

// A call that is the same for every backend.
template <std::unique_ptr<Job> (*make)(const Arguments&), size_t arguments_expected>
napi_value host_call(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const Arguments arguments(env, info, arguments_expected);
    return start(env, arguments, arguments_expected, [&] { return make(arguments); });
  });
}

napi_value close_cross_entropy_bank(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    close_entropy_bank(env, Arguments(env, info, 1));
    return nullptr;
  });
}

napi_value end(napi_env env, napi_callback_info info) {
  return guarded(env, [&] { return end_process(env, Arguments(env, info, 1)); });
}

napi_value lock(napi_env env, napi_callback_info info) {
  return guarded(env, [&] { return lock_file(env, Arguments(env, info, 1)); });
}

// backends(cudaLibrary) → [name, reason why it is unavailable or "", name, reason, …]: a backend's index is that of its
// pair. Where cudaLibrary is a path and not null, `cuda` is looked for there.
napi_value backends(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const Arguments arguments(env, info, 1);
    const std::string path = arguments.text_or_null(arguments[0], "Expected a string or null for cudaLibrary");
    if (!path.empty()) load_cuda(path.c_str());
    napi_value list = nullptr;
    check(napi_create_array_with_length(env, 2 * backend_count(), &list));
    for (size_t i = 0; i < backend_count(); ++i) {
      const ListedBackend listed = listed_backend(i);
      const char* texts[] = {listed.name, listed.reason == nullptr ? "" : listed.reason};
      for (uint32_t part = 0; part < 2; ++part) {
        napi_value text = nullptr;
        check(napi_create_string_utf8(env, texts[part], NAPI_AUTO_LENGTH, &text));
        check(napi_set_element(env, list, static_cast<uint32_t>(2 * i + part), text));
      }
    }
    return list;
  });
}

napi_value initialise(napi_env env, napi_value exports) {
  napi_value version = nullptr;
  if (napi_create_int32(env, kBindingVersion, &version) != napi_ok) return nullptr;
  napi_value hashes = nullptr;
  if (napi_get_boolean(env, can_hash(), &hashes) != napi_ok) return nullptr;
  const napi_property_descriptor properties[] = {
      {"bindingVersion", nullptr, nullptr, nullptr, nullptr, version, napi_enumerable, nullptr},
      {"backends", nullptr, backends, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"canHash", nullptr, nullptr, nullptr, nullptr, hashes, napi_enumerable, nullptr},
      {"addProduct", nullptr, host_call<add_product_job, 8>, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"average", nullptr, call<average_job, 11>, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"bankOpen", nullptr, call<bank_open_job, 9>, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"bankCount", nullptr, call<bank_count_job, 6>, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"bankCorrect", nullptr, call<bank_correct_job, 6>, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"bankAllSubsets", nullptr, call<bank_all_subsets_job, 9>, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"bankClose", nullptr, bank_close, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"crossEntropy", nullptr, call<cross_entropy_job, 11>, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"openCrossEntropyBank", nullptr, call<entropy_bank_job, 10>, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"crossEntropyBounds", nullptr, call<entropy_bounds_job, 7>, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"closeCrossEntropyBank", nullptr, close_cross_entropy_bank, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"endProcess", nullptr, end, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"gram", nullptr, call<gram_job, 11>, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"lockFile", nullptr, lock, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"predict", nullptr, call<predict_job, 7>, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"sha256", nullptr, host_call<sha256_job, 7>, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"stream", nullptr, call<stream_job, 5>, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  const size_t count = sizeof properties / sizeof properties[0];
  return napi_define_properties(env, exports, count, properties) == napi_ok ? exports : nullptr;
}

}  // namespace

}  // namespace radin

NAPI_MODULE_INIT() { return radin::initialise(env, exports); }
