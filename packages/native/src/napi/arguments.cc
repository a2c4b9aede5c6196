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

std::string Arguments::text_or_null(napi_value value, const char* message) const {
  napi_valuetype type = napi_undefined;
  check(napi_typeof(env_, value, &type));
  if (type == napi_null) return {};
  size_t bytes = 0;
  if (napi_get_value_string_utf8(env_, value, nullptr, 0, &bytes) != napi_ok) throw ArgumentError{message};
  std::string text(bytes, '\0');
  check(napi_get_value_string_utf8(env_, value, text.data(), bytes + 1, &bytes));
  return text;
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

std::vector<RadinSource> Arguments::sources(napi_value arrays, napi_value ranges) const {
  const size_t count = length(arrays, "Expected an Array for arrays");
  const Span<double> range = float64(ranges, "Expected a Float64Array for ranges");
  if (range.size != 3 * count) throw ArgumentError{"Expected three numbers for each range"};
  std::vector<RadinSource> sources(count);
  for (size_t i = 0; i < count; ++i) {
    const napi_value value = element(arrays, i);
    napi_valuetype type = napi_undefined;
    check(napi_typeof(env_, value, &type));
    if (type != napi_null) {
      const Span<uint8_t> array = bytes(value, "Expected a Uint8Array or null for each of arrays");
      // An empty array has no address, which would make it a file.
      static const uint8_t kNothing = 0;
      sources[i] = {array.data == nullptr ? &kNothing : array.data, -1, 0, array.size};
      continue;
    }
    const double* numbers = &range.data[3 * i];
    for (size_t part = 0; part < 3; ++part) {
      const bool fits = numbers[part] >= 0 && numbers[part] < (part == 0 ? 2147483648.0 : 9007199254740992.0);
      if (!fits || numbers[part] != static_cast<double>(static_cast<uint64_t>(numbers[part]))) {
        throw ArgumentError{"Expected a descriptor, an offset and a size for each range"};
      }
    }
    sources[i] = {nullptr, static_cast<int32_t>(numbers[0]), static_cast<uint64_t>(numbers[1]),
                  static_cast<uint64_t>(numbers[2])};
  }
  return sources;
}

napi_value Arguments::held() const {
  napi_value array = nullptr;
  check(napi_create_array_with_length(env_, count_, &array));
  for (size_t i = 0; i < count_; ++i) check(napi_set_element(env_, array, static_cast<uint32_t>(i), values_[i]));
  return array;
}

}  // namespace radin
