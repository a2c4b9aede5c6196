// A bank as JavaScript holds it: an object that owns a share of the bank. Calls under way hold shares of their own, so that
// closing the bank or losing the object never takes it from under them.
#pragma once

#include <memory>

#include "arguments.h"

namespace radin {

struct BankHandle {
  const RadinBackend& backend;
  RadinBank* bank;
  size_t models, samples;
  double bytes;

  BankHandle(const RadinBackend& of, RadinBank* owned, size_t n, size_t m, double size)
      : backend(of), bank(owned), models(n), samples(m), bytes(size) {}
  BankHandle(const BankHandle&) = delete;
  BankHandle& operator=(const BankHandle&) = delete;
  ~BankHandle() { backend.bank_close(bank); }
};

// A new object for the bank; null where JavaScript can no longer run.
napi_value wrap_bank(napi_env env, std::shared_ptr<BankHandle> bank) noexcept;

// The bank of such an object. @throws ArgumentError where it is something else, closed, or of another backend
std::shared_ptr<BankHandle> bank_argument(const Arguments& arguments, size_t position, const RadinBackend& backend);

}  // namespace radin
