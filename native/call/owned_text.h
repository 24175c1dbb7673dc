// A copy of a string whose owner may go away during the call.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace virtshim {

// Short ones stay on the stack.
class OwnedText {
 public:
  OwnedText() {}  // leaves the room for short strings as it is
  ~OwnedText() {
    if (data_) free(data_);
  }
  OwnedText(const OwnedText &) = delete;
  OwnedText &operator=(const OwnedText &) = delete;

  // False where memory ran out; the text is cut short then.
  bool assign(std::string_view text) {
    free(data_);
    data_ = nullptr;
    if (text.size() > sizeof small_) data_ = static_cast<char *>(malloc(text.size()));
    const bool whole = data_ || text.size() <= sizeof small_;
    size_ = whole ? text.size() : sizeof small_;
    memcpy(data_ ? data_ : small_, text.data(), size_);
    return whole;
  }

  std::string_view view() const { return {data_ ? data_ : small_, size_}; }

 private:
  char small_[120];
  char *data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace virtshim
