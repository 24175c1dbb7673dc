#include "xml/value_list.h"

#include <cstdlib>
#include <cstring>

namespace virtshim::xml {

ValueList::~ValueList() { free(bytes_); }

bool ValueList::addNumber(int64_t value) { return append({false, value}, nullptr); }

bool ValueList::addText(std::string_view text) {
  return append({true, static_cast<int64_t>(text.size())}, text.data());
}

bool ValueList::append(const Entry &entry, const char *text) {
  const size_t textSize = entry.isText ? static_cast<size_t>(entry.number) : 0;
  const size_t needed = size_ + sizeof entry + textSize;
  if (needed > capacity_) {
    const size_t capacity = 2 * needed + 64;
    char *bytes = static_cast<char *>(realloc(bytes_, capacity));
    if (!bytes) return false;
    bytes_ = bytes;
    capacity_ = capacity;
  }
  memcpy(bytes_ + size_, &entry, sizeof entry);
  if (textSize != 0 && text) memcpy(bytes_ + size_ + sizeof entry, text, textSize);
  size_ = needed;
  return true;
}

void ValueList::handOut(policy::XmlValues *out) const {
  for (size_t at = 0; at < size_;) {
    Entry entry;
    memcpy(&entry, bytes_ + at, sizeof entry);
    at += sizeof entry;
    if (!entry.isText) {
      out->number(entry.number);
      continue;
    }
    const size_t textSize = static_cast<size_t>(entry.number);
    out->text({bytes_ + at, textSize});
    at += textSize;
  }
}

}  // namespace virtshim::xml
