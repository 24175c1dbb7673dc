// When trail.xml is put aside and a new one begun. The limits stand in the trail's folder, so that all who write the
// trail go by the same.
#pragma once

#include <cstddef>
#include <cstdint>

namespace virtshim::audit {

constexpr size_t kRotatedNameSize = 64;

// `trail.xml-20261123T121314Z-42`: when that was, and the last record's number, so that no two have one name.
void rotatedName(const char *file, int64_t realtimeNs, uint64_t lastSequence, char (&out)[kRotatedNameSize]);

// When the file that is open now is to be put aside.
class RotationDue {
 public:
  // Reads .trail.rotation of the folder: lines `bytes=N` and `seconds=N`, the age of the file's first record. Without
  // such a file, or where it cannot be trusted or understood, the file is never due. `nowNs` is the monotonic time.
  void read(int folder, int trail, int64_t nowNs);

  void never() { *this = RotationDue(); }

  bool at(uint64_t size, int64_t nowNs) const { return size >= bytes_ || nowNs >= dueNs_; }

 private:
  uint64_t bytes_ = UINT64_MAX;
  int64_t dueNs_ = INT64_MAX;
};

}  // namespace virtshim::audit
