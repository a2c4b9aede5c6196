// A job from the arguments of each exported function; the signatures stand in the .cc files and in AddonBinding of
// lib/addon.ts.
#pragma once

#include <memory>

#include "../kernels.h"
#include "arguments.h"
#include "job.h"

namespace radin {

std::unique_ptr<Job> add_product_job(const Arguments& arguments);
std::unique_ptr<Job> average_job(const RadinBackend& backend, const Arguments& arguments);
std::unique_ptr<Job> bank_open_job(const RadinBackend& backend, const Arguments& arguments);
std::unique_ptr<Job> bank_count_job(const RadinBackend& backend, const Arguments& arguments);
std::unique_ptr<Job> bank_correct_job(const RadinBackend& backend, const Arguments& arguments);
std::unique_ptr<Job> bank_all_subsets_job(const RadinBackend& backend, const Arguments& arguments);
napi_value bank_close(napi_env env, napi_callback_info info);
std::unique_ptr<Job> cross_entropy_job(const RadinBackend& backend, const Arguments& arguments);
std::unique_ptr<Job> entropy_bank_job(const RadinBackend& backend, const Arguments& arguments);
std::unique_ptr<Job> entropy_bounds_job(const RadinBackend& backend, const Arguments& arguments);
void close_entropy_bank(napi_env env, const Arguments& arguments);
napi_value end_process(napi_env env, const Arguments& arguments);
napi_value lock_file(napi_env env, const Arguments& arguments);
std::unique_ptr<Job> gram_job(const RadinBackend& backend, const Arguments& arguments);
std::unique_ptr<Job> predict_job(const RadinBackend& backend, const Arguments& arguments);
std::unique_ptr<Job> sha256_job(const Arguments& arguments);
std::unique_ptr<Job> stream_job(const RadinBackend& backend, const Arguments& arguments);

}  // namespace radin
