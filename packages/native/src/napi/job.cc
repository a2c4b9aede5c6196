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
  const RadinRun run = {job.threads_, &job.state_[0], &job.state_[1], &job.source_, job.device_error_};
  job.status_ = may_run ? job.run(run) : RADIN_STOPPED;
}

void Job::complete(napi_env env, napi_status, void* data) {
  const std::unique_ptr<Job> job(static_cast<Job*>(data));
  napi_delete_reference(env, job->held_);
  napi_delete_async_work(env, job->work_);

  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  if (job->status_ == RADIN_DONE) {
    if (const napi_value value = job->result(env)) napi_resolve_deferred(env, job->deferred_, value);
  } else if (const napi_value error = job->error(env)) {
    napi_reject_deferred(env, job->deferred_, error);
  }
  napi_close_handle_scope(env, scope);
}

// The reason why the job did not finish, with the failed source's particulars; null where JavaScript can no longer run.
napi_value Job::error(napi_env env) const noexcept {
  const char* text = status_ == RADIN_STOPPED         ? "The call was cancelled"
                     : status_ == RADIN_SOURCE_FAILED ? "A source could not be read"
                     : status_ == RADIN_NOT_FINITE    ? "A logit is not finite"
                     : status_ == RADIN_DEVICE_FAILED ? device_error_
                                                      : "Not enough memory for the work space of the call";
  napi_value message = nullptr;
  napi_value error = nullptr;
  if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message) != napi_ok) return nullptr;
  if (napi_create_error(env, nullptr, message, &error) != napi_ok) return nullptr;
  if (status_ == RADIN_SOURCE_FAILED) {
    napi_set_named_property(env, error, "source", number(env, static_cast<double>(source_.source)));
    napi_set_named_property(env, error, "position", number(env, static_cast<double>(source_.position)));
    napi_set_named_property(env, error, "errno", number(env, source_.error));
  }
  if (status_ == RADIN_NOT_FINITE) {
    napi_set_named_property(env, error, "model", number(env, static_cast<double>(not_finite_.model)));
    napi_set_named_property(env, error, "sample", number(env, static_cast<double>(not_finite_.sample)));
    napi_set_named_property(env, error, "class", number(env, static_cast<double>(not_finite_.class_index)));
    napi_set_named_property(env, error, "value", number(env, static_cast<double>(not_finite_.value)));
  }
  return error;
}

}  // namespace radin
