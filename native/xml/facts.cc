#include "xml/facts.h"

#include <cmath>
#include <cstdio>
#include <cstring>

#include "xml/address.h"
#include "xml/path.h"
#include "xml/scale.h"

namespace virtshim::xml {
namespace {

// More disks or features than that are nobody's guest.
constexpr int kMaxNodes = 10'000;
constexpr uint64_t kKib = 1024;

// Holds a result until it goes out of scope.
class Result {
 public:
  Result(Parsed *document, const Library &library, Node *node, const char *expression)
      : library_(library), result_(document->evaluate(node, expression)) {}
  ~Result() {
    if (result_) library_.freeResult(result_);
  }
  Result(const Result &) = delete;
  Result &operator=(const Result &) = delete;

  const XPathResult *get() const { return result_; }
  bool isText() const { return result_ && result_->type == kString && result_->text; }
  std::string_view text() const { return isText() ? std::string_view(result_->text) : std::string_view(); }

 private:
  const Library &library_;
  XPathResult *result_;
};

class Collector {
 public:
  Collector(Parsed *document, const Library &library, const XmlSelection &selection, ValueList *values)
      : document_(document), library_(library), selection_(selection), values_(values) {}

  bool collect() {
    Result found(document_, library_, document_->root(), selection_.nodes);
    if (!found.get() || found.get()->type != kNodeSet) return false;
    const NodeSet *nodes = found.get()->nodes;
    const int count = nodes ? nodes->count : 0;
    if (count > kMaxNodes) return false;
    for (int i = 0; i < count; i++) {
      if (!add(nodes->nodes[i])) return false;
    }
    return selection_.reading != XmlReading::KibSum || count == 0 || addKib(sum_);
  }

 private:
  bool add(Node *node) {
    if (selection_.reading == XmlReading::Address) return addAddress(node, values_);
    if (selection_.reading == XmlReading::Qualified) return addQualified(node);
    Result result(document_, library_, node, selection_.value ? selection_.value : "string(.)");
    if (!result.get()) return false;
    if (result.get()->type == kBoolean) return values_->addNumber(result.get()->boolean != 0);
    if (result.get()->type == kNumber) return addCount(result.get()->number);
    return result.isText() && addText(node, result.text());
  }

  bool addText(Node *node, std::string_view text) {
    if (text.empty() && selection_.fallback) text = selection_.fallback;
    switch (selection_.reading) {
      case XmlReading::Path: return addPath(text, values_);
      case XmlReading::Number: return addNumber(text, 0);
      case XmlReading::Signed: return addNumber(text, INT64_MIN);
      case XmlReading::Kib:
      case XmlReading::KibSum:
      case XmlReading::Bytes: return addSize(node, text);
      default: return values_->addText(text);
    }
  }

  bool addCount(double number) { return std::isfinite(number) && values_->addNumber(static_cast<int64_t>(number)); }

  // libvirt makes huge numbers of negative ones where it expects none.
  bool addNumber(std::string_view text, int64_t least) {
    int64_t number;
    return parseNumber(text, &number) && number >= least && values_->addNumber(number);
  }

  bool addSize(Node *node, std::string_view text) {
    Result unit(document_, library_, node, "string(@unit)");
    const bool inBytes = selection_.reading == XmlReading::Bytes;
    uint64_t bytes;
    if (!unit.isText() || !parseSize(text, unit.text(), inBytes ? 1 : kKib, &bytes)) return false;
    if (inBytes) return values_->addNumber(static_cast<int64_t>(bytes));
    const uint64_t kib = (bytes + kKib - 1) / kKib;
    if (selection_.reading == XmlReading::Kib) return addKib(kib);
    return !__builtin_add_overflow(sum_, kib, &sum_);
  }

  bool addKib(uint64_t kib) { return kib <= INT64_MAX && values_->addNumber(static_cast<int64_t>(kib)); }

  // "qemu:commandline", whatever prefix the document has for the namespace; the whole URI where it is not a usual one.
  bool addQualified(const Node *node) {
    const char *prefix = node->ns && node->ns->uri ? node->ns->uri : "";
    for (int i = 0; i < kXmlNamespaceCount; i++) {
      if (!strcmp(prefix, kXmlNamespaces[i].uri)) prefix = kXmlNamespaces[i].prefix;
    }
    char text[512];
    const int length = snprintf(text, sizeof text, "%s:%s", prefix, node->name);
    if (length < 0 || static_cast<size_t>(length) >= sizeof text) return false;
    return values_->addText({text, static_cast<size_t>(length)});
  }

  Parsed *document_;
  const Library &library_;
  const XmlSelection &selection_;
  ValueList *values_;
  uint64_t sum_ = 0;
};

}  // namespace

bool collect(Parsed *document, const Library &library, const XmlFact &fact, ValueList *values) {
  for (int i = 0; i < fact.selectionCount; i++) {
    if (!Collector(document, library, fact.selections[i], values).collect()) return false;
  }
  return true;
}

}  // namespace virtshim::xml
