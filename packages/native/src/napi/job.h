// A call that runs on a thread of Node's pool and settles a promise.
//
// Raw async work, because it survives what queues of progress do not: a worker thread terminated while the job runs. Then
// Node waits for the job, calls `complete` with an environment that can no longer run JavaScript, and every call made there
// fails with a status, which is ignored: nobody is left to tell.
#pragma once

#include <node_api.h>

#include <memory>

#include "../kernels.h"
#include "arguments.h"

namespace radin {

class Job {
 public:
  virtual ~Job() = default;

  // Queues the job and returns its promise, which resolves with `result()`. `state` has two elements, a RadinState and the
  // progress, in one of the arrays that `held` keeps alive until the job is over.
  static napi_value start(std::unique_ptr<Job> job, napi_env env, napi_value held, int32_t* state);

 protected:
  // Any thread; no JavaScript.
  virtual RadinStatus run(const RadinRun& run) noexcept = 0;
  // What the promise resolves with; null where JavaScript can no longer run.
  virtual napi_value result(napi_env env) noexcept = 0;

  static napi_value number(napi_env env, double value) noexcept {
    napi_value result = nullptr;
    return napi_create_double(env, value, &result) == napi_ok ? result : nullptr;
  }

  size_t threads_ = 1;
  RadinLogit not_finite_{};

 private:
  static void execute(napi_env env, void* data);
  static void complete(napi_env env, napi_status status, void* data);
  napi_value error(napi_env env) const noexcept;

  napi_async_work work_ = nullptr;
  napi_deferred deferred_ = nullptr;
  napi_ref held_ = nullptr;
  int32_t* state_ = nullptr;
  RadinStatus status_ = RADIN_STOPPED;
  RadinSourceFailure source_{};
  char device_error_[RADIN_ERROR_BYTES] = "";
};

}  // namespace radin
