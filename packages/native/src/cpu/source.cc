#include "source.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace radin {

namespace {

constexpr int32_t kEndedEarly = 0;
constexpr int32_t kChanged = -1;

}  // namespace

Sources::Sources(const RadinSource* sources, size_t count) : sources_(sources), count_(count), stamps_(count) {
  for (size_t i = 0; i < count; ++i) {
    if (is_file(i) && !stamp(i, &stamps_[i])) fail(i, sources[i].offset, errno);
  }
}

const uint8_t* Sources::read(size_t index, uint64_t position, size_t bytes, uint8_t* buffer) {
  const RadinSource& source = sources_[index];
  if (source.memory != nullptr) return source.memory + position;
  for (size_t done = 0; done < bytes;) {
    const uint64_t at = source.offset + position + done;
    const ssize_t count = pread(source.fd, buffer + done, bytes - done, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      fail(index, at, count < 0 ? errno : kEndedEarly);
      return nullptr;
    }
    done += static_cast<size_t>(count);
  }
  return buffer;
}

bool Sources::finish(RadinSourceFailure* failure) {
  for (size_t i = 0; i < count_ && !failed_; ++i) {
    if (!is_file(i)) continue;
    Stamp now{};
    if (!stamp(i, &now)) {
      fail(i, sources_[i].offset, errno);
    } else if (now.size != stamps_[i].size || now.seconds != stamps_[i].seconds ||
               now.nanoseconds != stamps_[i].nanoseconds) {
      fail(i, sources_[i].offset, kChanged);
    }
  }
  if (failed_) *failure = failure_;
  return !failed_;
}

bool Sources::stamp(size_t index, Stamp* stamp) const {
  struct stat status;
  if (fstat(sources_[index].fd, &status) != 0) return false;
#ifdef __APPLE__
  const timespec& changed = status.st_mtimespec;
#else
  const timespec& changed = status.st_mtim;
#endif
  *stamp = {static_cast<int64_t>(status.st_size), static_cast<int64_t>(changed.tv_sec),
            static_cast<int64_t>(changed.tv_nsec)};
  return true;
}

void Sources::fail(size_t index, uint64_t position, int32_t error) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (index < failure_.source || (index == failure_.source && position < failure_.position)) {
    failure_ = {index, position, error};
  }
  __atomic_store_n(&failed_, true, __ATOMIC_RELAXED);
}

}  // namespace radin
