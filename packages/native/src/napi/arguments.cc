#include "arguments.h"

namespace radin {

Arguments::Arguments(napi_env env, napi_callback_info info, size_t expected) : env_(env), count_(kMaximum) {
  check(napi_get_cb_info(env, info, &count_, values_, nullptr, nullptr));
  if (count_ != expected) throw ArgumentError{"Expected another number of arguments"};
}

double Arguments::number(napi_value number, const char* message) const {
  double value = 0;
  if (napi_get_value_double(env_, number, &value) != napi_ok) throw ArgumentError{message};
  return value;
}

size_t Arguments::size(napi_value integer, const char* message) const {
  const double value = number(integer, message);
  constexpr double kLimit = 9007199254740992.0;  // 2^53
  if (!(value >= 0 && value < kLimit) || value != static_cast<double>(static_cast<size_t>(value))) {
    throw ArgumentError{message};
  }
  return static_cast<size_t>(value);
}

size_t Arguments::length(napi_value array, const char* message) const {
  uint32_t length = 0;
  if (napi_get_array_length(env_, array, &length) != napi_ok) throw ArgumentError{message};
  return length;
}

napi_value Arguments::element(napi_value array, size_t index) const {
  napi_value value = nullptr;
  check(napi_get_element(env_, array, static_cast<uint32_t>(index), &value));
  return value;
}

Span<void> Arguments::typed_array(napi_value value, napi_typedarray_type expected, const char* message) const {
  bool is_typed_array = false;
  check(napi_is_typedarray(env_, value, &is_typed_array));
  if (!is_typed_array) throw ArgumentError{message};
  napi_typedarray_type type = expected;
  size_t size = 0;
  void* data = nullptr;
  check(napi_get_typedarray_info(env_, value, &type, &size, &data, nullptr, nullptr));
  if (type != expected) throw ArgumentError{message};
  return {data, size};
}

napi_value Arguments::held() const {
  napi_value array = nullptr;
  check(napi_create_array_with_length(env_, count_, &array));
  for (size_t i = 0; i < count_; ++i) check(napi_set_element(env_, array, static_cast<uint32_t>(i), values_[i]));
  return array;
}

}  // namespace radin
