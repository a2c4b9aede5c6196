// A job from the arguments of each exported function; the signatures stand in the .cc files and in AddonBinding of
// lib/addon.ts.
#pragma once

#include <memory>

#include "../kernels.h"
#include "arguments.h"
#include "job.h"

namespace radin {

std::unique_ptr<Job> average_job(const RadinBackend& backend, const Arguments& arguments);
std::unique_ptr<Job> cross_entropy_job(const RadinBackend& backend, const Arguments& arguments);
std::unique_ptr<Job> open_bank_job(const RadinBackend& backend, const Arguments& arguments);
std::unique_ptr<Job> bounds_job(const RadinBackend& backend, const Arguments& arguments);
void close_bank(napi_env env, const Arguments& arguments);
std::unique_ptr<Job> score_job(const RadinBackend& backend, const Arguments& arguments);

}  // namespace radin
