#include "xml/address.h"

#include <cstdio>
#include <cstring>

#include "xml/scale.h"

namespace virtshim::xml {
namespace {

constexpr size_t kMaxAddress = 256;
constexpr size_t kUuidDigits = 32;

const char *textOf(const Node *child) {
  if (!child) return "";
  return child->type == kText && !child->next && child->content ? child->content : nullptr;
}

// An attribute's text; nullptr where there is none, or one in several pieces.
const char *attributeOf(const Node *node, const char *name) {
  for (const Attribute *at = node->attributes; at; at = at->next) {
    if (!strcmp(at->name, name)) return textOf(at->children);
  }
  return nullptr;
}

const Node *childOf(const Node *node, const char *name) {
  for (const Node *child = node->children; child; child = child->next) {
    if (child->type == kElement && !strcmp(child->name, name)) return child;
  }
  return nullptr;
}

// Zero where the attribute is not there.
bool partOf(const Node *node, const char *name, uint32_t *out) {
  const char *text = node ? attributeOf(node, name) : nullptr;
  *out = 0;
  return !text || parseAddressPart(text, out);
}

// False also where the text was cut.
bool addPrinted(int length, const char *text, ValueList *values) {
  if (length < 0 || static_cast<size_t>(length) >= kMaxAddress) return false;
  return values->addText({text, static_cast<size_t>(length)});
}

bool addPci(const Node *node, ValueList *values) {
  uint32_t domain, bus, slot, function;
  if (!partOf(node, "domain", &domain) || !partOf(node, "bus", &bus)) return false;
  if (!partOf(node, "slot", &slot) || !partOf(node, "function", &function)) return false;
  char text[kMaxAddress];
  return addPrinted(snprintf(text, sizeof text, "pci:%04x:%02x:%02x.%x", domain, bus, slot, function), text, values);
}

bool addUsbPlace(const Node *node, ValueList *values) {
  uint32_t bus, device;
  if (!partOf(node, "bus", &bus) || !partOf(node, "device", &device)) return false;
  char text[kMaxAddress];
  return addPrinted(snprintf(text, sizeof text, "usb:%u.%u", bus, device), text, values);
}

bool addUsbProduct(const Node *source, ValueList *values) {
  uint32_t vendor, product;
  if (!partOf(childOf(source, "vendor"), "id", &vendor)) return false;
  if (!partOf(childOf(source, "product"), "id", &product)) return false;
  char text[kMaxAddress];
  return addPrinted(snprintf(text, sizeof text, "usb:%04x:%04x", vendor, product), text, values);
}

bool addScsi(const Node *node, ValueList *values) {
  const Node *adapter = node->parent ? childOf(node->parent, "adapter") : nullptr;
  const char *name = adapter ? attributeOf(adapter, "name") : "";
  uint32_t bus, target, unit;
  if (!name || !partOf(node, "bus", &bus) || !partOf(node, "target", &target) || !partOf(node, "unit", &unit))
    return false;
  char text[kMaxAddress];
  return addPrinted(snprintf(text, sizeof text, "scsi:%s:%u:%u:%u", name, bus, target, unit), text, values);
}

// libvirt reads uuids with and without hyphens, in either case.
bool addMediated(const char *uuid, ValueList *values) {
  char text[kMaxAddress] = "mdev:";
  size_t size = strlen(text);
  size_t digits = 0;
  for (; *uuid; uuid++) {
    if (*uuid == '-' || *uuid == ' ') continue;
    if (digits == kUuidDigits) return false;
    if (digits == 8 || digits == 12 || digits == 16 || digits == 20) text[size++] = '-';
    text[size++] = *uuid >= 'A' && *uuid <= 'F' ? static_cast<char>(*uuid + 'a' - 'A') : *uuid;
    digits++;
  }
  return digits == kUuidDigits && values->addText({text, size});
}

bool addPort(const char *port, ValueList *values) {
  char text[kMaxAddress];
  return addPrinted(snprintf(text, sizeof text, "scsi_host:%s", port), text, values);
}

}  // namespace

bool addAddress(const Node *node, ValueList *values) {
  if (const char *uuid = attributeOf(node, "uuid")) return addMediated(uuid, values);
  if (const char *port = attributeOf(node, "wwpn")) return addPort(port, values);
  if (childOf(node, "vendor") || childOf(node, "product")) return addUsbProduct(node, values);
  if (attributeOf(node, "device")) return addUsbPlace(node, values);
  if (attributeOf(node, "target") || attributeOf(node, "unit")) return addScsi(node, values);
  return addPci(node, values);
}

}  // namespace virtshim::xml
