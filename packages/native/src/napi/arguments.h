// Reading the arguments of a call from JavaScript. What becomes a pointer or a size is checked here, whatever lib/ has
// checked before, so that memory safety does not depend on another layer. The messages are for lib/'s authors: its own
// checks speak to users.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../kernels.h"

namespace radin {

// What an argument should have been; becomes a TypeError.
struct ArgumentError {
  const char* message;
};

// A Node-API call failed: JavaScript has an exception pending, or can no longer run because its thread is being torn down.
struct PendingException {};

inline void check(napi_status status) {
  if (status != napi_ok) throw PendingException{};
}

template <class T>
struct Span {
  T* data;
  size_t size;
};

class Arguments {
 public:
  static constexpr size_t kMaximum = 12;

  Arguments(napi_env env, napi_callback_info info, size_t expected);

  napi_env env() const { return env_; }
  napi_value operator[](size_t position) const { return values_[position]; }
  double number(napi_value number, const char* message) const;
  size_t size(napi_value integer, const char* message) const;  // an integer in [0, 2^53)
  std::string text_or_null(napi_value value, const char* message) const;  // null becomes ""
  size_t length(napi_value array, const char* message) const;  // of an Array
  napi_value element(napi_value array, size_t index) const;

  Span<uint8_t> bytes(napi_value value, const char* message) const {
    return typed<uint8_t>(value, napi_uint8_array, message);
  }
  Span<int32_t> int32(napi_value value, const char* message) const {
    return typed<int32_t>(value, napi_int32_array, message);
  }
  Span<uint32_t> uint32(napi_value value, const char* message) const {
    return typed<uint32_t>(value, napi_uint32_array, message);
  }
  Span<float> float32(napi_value value, const char* message) const {
    return typed<float>(value, napi_float32_array, message);
  }
  Span<double> float64(napi_value value, const char* message) const {
    return typed<double>(value, napi_float64_array, message);
  }

  // Byte arrays, each a Uint8Array or, where null stands, the range of a file: `ranges` is a Float64Array [n, 3] of
  // descriptor, offset and bytes.
  std::vector<RadinSource> sources(napi_value arrays, napi_value ranges) const;

  // The `arguments` as one JavaScript array: who holds it holds everything a call points into, unless that is changed by
  // the caller meanwhile, which lib/ prevents by passing arrays of its own.
  napi_value held() const;

 private:
  template <class T>
  Span<T> typed(napi_value value, napi_typedarray_type expected, const char* message) const {
    const Span<void> any = typed_array(value, expected, message);
    return {static_cast<T*>(any.data), any.size};
  }
  Span<void> typed_array(napi_value value, napi_typedarray_type expected, const char* message) const;

  napi_env env_;
  size_t count_;
  napi_value values_[kMaximum];
};

}  // namespace radin
