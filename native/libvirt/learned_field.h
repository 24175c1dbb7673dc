// Where libvirt keeps a field of its objects, learnt by watching libvirt's own accessors.
//
// libvirt's accessors reset the last error and format debug messages on every call, seen or not: virDomainGetUUID and
// virDomainGetConnect cost 0.5 us, more than everything else the shim does for a query. All objects of a class have one
// layout, so once an accessor's answer has been found at the same place in several objects, the next objects can be
// read directly. No layout is assumed: where the answer is not found, or not found again, the accessor stays in use.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace virtshim {

class LearnedField {
 public:
  // Copies the field where its place is known for sure. False: ask the accessor, then call learn().
  bool read(const void *object, void *field, size_t size) const;

  // Compares what the accessor answered with the object's memory. Never reads behind the first place that matches.
  void learn(const void *object, const void *field, size_t size);

 private:
  // Bits 0..7: the offset; bits 8..15: how often it was confirmed; kUnusable: not where it was before.
  std::atomic<uint16_t> state_{0};
};

}  // namespace virtshim
