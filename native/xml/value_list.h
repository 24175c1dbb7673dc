// The values of one fact, in one piece of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "policy/policy.h"

namespace virtshim::xml {

class ValueList {
 public:
  ValueList() = default;
  ~ValueList();
  ValueList(const ValueList &) = delete;
  ValueList &operator=(const ValueList &) = delete;

  // False where memory ran out.
  bool addNumber(int64_t value);
  bool addText(std::string_view text);

  void handOut(policy::XmlValues *out) const;

 private:
  struct Entry {
    bool isText;
    int64_t number;  // or the size of the text, which follows
  };

  bool append(const Entry &entry, const char *text);

  char *bytes_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace virtshim::xml
