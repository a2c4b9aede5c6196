#include "job.h"

namespace radin {

napi_value Job::start(std::unique_ptr<Job> job, napi_env env, napi_value held, int32_t* state) {
  napi_value promise = nullptr;
  napi_value name = nullptr;
  job->state_ = state;
  check(napi_create_string_utf8(env, "radin_native", NAPI_AUTO_LENGTH, &name));
  check(napi_create_promise(env, &job->deferred_, &promise));
  check(napi_create_reference(env, held, 1, &job->held_));
  check(napi_create_async_work(env, nullptr, name, execute, complete, job.get(), &job->work_));
  check(napi_queue_async_work(env, job->work_));
  job.release();  // `complete` owns it now
  return promise;
}

void Job::execute(napi_env, void* data) {
  Job& job = *static_cast<Job*>(data);
  int32_t expected = RADIN_QUEUED;
  const bool may_run = __atomic_compare_exchange_n(job.state_, &expected, static_cast<int32_t>(RADIN_RUNNING), false,
                                                   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  job.status_ = may_run ? job.run(job.state_) : RADIN_STOPPED;
}

void Job::complete(napi_env env, napi_status, void* data) {
  const std::unique_ptr<Job> job(static_cast<Job*>(data));
  napi_delete_reference(env, job->held_);
  napi_delete_async_work(env, job->work_);

  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value value = nullptr;
  if (job->status_ == RADIN_OUT_OF_MEMORY) {
    napi_value message = nullptr;
    napi_create_string_utf8(env, "Not enough memory for the work space of the call", NAPI_AUTO_LENGTH, &message);
    if (napi_create_error(env, nullptr, message, &value) == napi_ok) napi_reject_deferred(env, job->deferred_, value);
  } else if (napi_create_double(env, job->result(), &value) == napi_ok) {
    napi_resolve_deferred(env, job->deferred_, value);
  }
  napi_close_handle_scope(env, scope);
}

}  // namespace radin
