// sha256(arrays: (Uint8Array | null)[] [n], ranges: Float64Array [n, 3], dtypes: Int32Array [n], digests: Uint8Array [n, 32],
//        firstNaN: Float64Array [n], threads, state: Int32Array)
// → Promise<0>. A dtype of -1 says that no element can be NaN.

#include "../cpu/sha256.h"

#include <exception>
#include <vector>

#include "calls.h"
#include "job.h"

namespace radin {

namespace {

constexpr size_t kDigestBytes = 32;

class Sha256Job final : public Job {
 public:
  explicit Sha256Job(const Arguments& arguments) {
    if (!can_hash()) throw ArgumentError{"Expected a host with OpenSSL"};
    sources_ = arguments.sources(arguments[0], arguments[1]);
    const Span<int32_t> dtypes = arguments.int32(arguments[2], "Expected an Int32Array for dtypes");
    const Span<uint8_t> digests = arguments.bytes(arguments[3], "Expected a Uint8Array for digests");
    const Span<double> first_nan = arguments.float64(arguments[4], "Expected a Float64Array for firstNaN");
    const size_t count = sources_.size();
    if (dtypes.size != count || first_nan.size != count || digests.size != count * kDigestBytes) {
      throw ArgumentError{"Expected a dtype, a digest and a number for each of arrays"};
    }
    dtypes_.assign(dtypes.data, dtypes.data + dtypes.size);
    request_.digests = digests.data;
    request_.first_nan = first_nan.data;
    threads_ = arguments.size(arguments[5], "Expected an integer for threads");
  }

 private:
  RadinStatus run(const RadinRun& run) noexcept override {
    request_.count = sources_.size();
    request_.source = sources_.data();
    request_.dtypes = dtypes_.data();
    try {
      return sha256(request_, run);
    } catch (const std::exception&) {  // only the allocation of work space throws
      return RADIN_OUT_OF_MEMORY;
    }
  }
  napi_value result(napi_env env) noexcept override { return number(env, 0.0); }

  Sha256Request request_{};
  std::vector<RadinSource> sources_;
  std::vector<int32_t> dtypes_;
};

}  // namespace

std::unique_ptr<Job> sha256_job(const Arguments& arguments) {
  return std::make_unique<Sha256Job>(arguments);
}

}  // namespace radin
