// addProduct(values: Float64Array [count], first, left: Float64Array [rows, rank], right: Float64Array [rank, columns], rank,
//            scale, threads, state: Int32Array)
// → Promise<0>.

#include "../cpu/product.h"
#include "calls.h"
#include "job.h"

namespace radin {

namespace {

class AddProductJob final : public Job {
 public:
  explicit AddProductJob(const Arguments& arguments) {
    const Span<double> values = arguments.float64(arguments[0], "Expected a Float64Array for values");
    request_.first = arguments.size(arguments[1], "Expected an integer for first");
    const Span<double> left = arguments.float64(arguments[2], "Expected a Float64Array for left");
    const Span<double> right = arguments.float64(arguments[3], "Expected a Float64Array for right");
    request_.rank = arguments.size(arguments[4], "Expected an integer for rank");
    request_.scale = arguments.number(arguments[5], "Expected a number for scale");
    threads_ = arguments.size(arguments[6], "Expected an integer for threads");
    if (request_.rank == 0 || left.size % request_.rank != 0 || right.size % request_.rank != 0) {
      throw ArgumentError{"Expected rows and columns of the rank"};
    }
    request_.columns = right.size / request_.rank;
    const size_t rows = left.size / request_.rank;
    // Divided, since a product of the two could overflow.
    const size_t last = request_.first + values.size;
    const bool fits = values.size == 0 || (request_.columns > 0 && (last - 1) / request_.columns < rows);
    if (!fits) throw ArgumentError{"Expected values of the product"};
    request_.values = values.data;
    request_.count = values.size;
    request_.left = left.data;
    request_.right = right.data;
  }

 private:
  RadinStatus run(const RadinRun& run) noexcept override {
    return add_product(best_instruction_set(), request_, run);
  }
  napi_value result(napi_env env) noexcept override { return number(env, 0.0); }

  ProductRequest request_{};
};

}  // namespace

std::unique_ptr<Job> add_product_job(const Arguments& arguments) {
  return std::make_unique<AddProductJob>(arguments);
}

}  // namespace radin
