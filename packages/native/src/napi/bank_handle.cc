#include "bank_handle.h"

#include "calls.h"

namespace radin {

namespace {

using Share = std::shared_ptr<BankHandle>;

// Marks the objects that wrap a Share, so that no other object is taken for one.
constexpr napi_type_tag kBankTag = {0x5d1b6f0a3c884e71, 0x9a2e47d0b1c35f86};

void release(napi_env env, void* data, void*) {
  const std::unique_ptr<Share> share(static_cast<Share*>(data));
  int64_t ignored = 0;
  if (*share) napi_adjust_external_memory(env, -static_cast<int64_t>((*share)->bytes), &ignored);
}

// The share in an object; @throws ArgumentError
Share& share_of(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  bool is_bank = false;
  void* data = nullptr;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_object ||
      napi_check_object_type_tag(env, value, &kBankTag, &is_bank) != napi_ok || !is_bank ||
      napi_unwrap(env, value, &data) != napi_ok) {
    throw ArgumentError{"Expected a bank"};
  }
  return *static_cast<Share*>(data);
}

}  // namespace

napi_value wrap_bank(napi_env env, std::shared_ptr<BankHandle> bank) noexcept {
  napi_value object = nullptr;
  const auto bytes = static_cast<int64_t>(bank->bytes);
  auto share = std::make_unique<Share>(std::move(bank));
  if (napi_create_object(env, &object) != napi_ok) return nullptr;
  if (napi_wrap(env, object, share.get(), release, nullptr, nullptr) != napi_ok) return nullptr;
  share.release();  // the object's now
  int64_t ignored = 0;
  napi_adjust_external_memory(env, bytes, &ignored);
  return napi_type_tag_object(env, object, &kBankTag) == napi_ok ? object : nullptr;
}

std::shared_ptr<BankHandle> bank_argument(const Arguments& arguments, size_t position, const RadinBackend& backend) {
  Share share = share_of(arguments.env(), arguments[position]);
  if (!share) throw ArgumentError{"Expected a bank that has not been closed"};
  if (&share->backend != &backend) throw ArgumentError{"Expected a bank of the same backend"};
  return share;
}

// bankClose(bank): gives up the object's share at once instead of when it is collected.
napi_value bank_close(napi_env env, napi_callback_info info) {
  try {
    const Arguments arguments(env, info, 1);
    Share& share = share_of(env, arguments[0]);
    int64_t ignored = 0;
    if (share) napi_adjust_external_memory(env, -static_cast<int64_t>(share->bytes), &ignored);
    share.reset();
  } catch (const ArgumentError& error) {
    napi_throw_type_error(env, nullptr, error.message);
  } catch (const PendingException&) {
    // JavaScript already knows, or is gone.
  }
  return nullptr;
}

}  // namespace radin
