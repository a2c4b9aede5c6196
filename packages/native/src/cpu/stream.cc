// Reading arrays once and writing others once, as fast as the machine's memory allows. Threads take pieces in the order of
// the addresses; pieces to write are spread evenly between those to read, as they are in a kernel that does both.

#include "stream.h"

#include <algorithm>
#include <vector>

#include "fork_join.h"

namespace radin {

namespace {

// Long enough that starting a piece costs nothing, short enough to spread the writes and to notice a cancelled call.
constexpr size_t kPiece = 256 * 1024;

struct Piece {
  const uint8_t* read;  // null for a piece to write
  uint8_t* write;
  size_t bytes;
};

template <class Pointer, class Add>
void divide(size_t arrays, const Pointer* array, const size_t* bytes, Add add) {
  for (size_t i = 0; i < arrays; ++i) {
    for (size_t begin = 0; begin < bytes[i]; begin += kPiece) add(array[i] + begin, std::min(kPiece, bytes[i] - begin));
  }
}

}  // namespace

RadinStatus stream(const InstructionSet& set, const RadinStream& request, const RadinRun& run) {
  std::vector<Piece> reads;
  std::vector<Piece> writes;
  divide(request.reads, request.read, request.read_bytes,
         [&](const uint8_t* bytes, size_t count) { reads.push_back({bytes, nullptr, count}); });
  divide(request.writes, request.write, request.write_bytes,
         [&](uint8_t* bytes, size_t count) { writes.push_back({nullptr, bytes, count}); });
  std::vector<Piece> pieces;
  pieces.reserve(reads.size() + writes.size());
  for (size_t r = 0, w = 0; r < reads.size() || w < writes.size();) {
    // Whichever has the smaller share done; the products compare r / reads with w / writes.
    const bool reading = w == writes.size() || (r < reads.size() && r * writes.size() <= w * reads.size());
    pieces.push_back(reading ? reads[r++] : writes[w++]);
  }
  uint32_t total = 0;
  const auto status = for_each_block(run, pieces.size(), [&](uint32_t, size_t block) {
    const Piece& piece = pieces[block];
    if (piece.read != nullptr) {
      __atomic_fetch_add(&total, set.stream.read(piece.read, piece.bytes), __ATOMIC_RELAXED);
    } else {
      set.stream.write(piece.write, piece.bytes);
    }
  });
  *request.sum = total;
  return status;
}

}  // namespace radin
