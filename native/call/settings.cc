#include "call/settings.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace virtshim {
namespace {

struct Setting {
  const char *name;
  const char *value;
};

Setting settings[] = {
    {"VIRTSHIM_POLICY", nullptr}, {"VIRTSHIM_TRAIL", nullptr}, {"VIRTSHIM_MODE", nullptr}, {"VIRTSHIM_ACTOR", nullptr},
    {"VIRTSHIM_REASON", nullptr}, {"XDG_STATE_HOME", nullptr}, {"HOME", nullptr},
};

const char *now(const char *name) {
  const char *value = getenv(name);
  return value && *value ? value : nullptr;
}

}  // namespace

void keepSettings() {
  for (Setting &setting : settings) {
    const char *value = now(setting.name);
    if (value && !setting.value) setting.value = strdup(value);
  }
}

const char *setting(const char *name) {
  for (const Setting &kept : settings) {
    if (kept.value && strcmp(kept.name, name) == 0) return kept.value;
  }
  return now(name);
}

bool userStateFolder(char *out, size_t size) {
  const char *state = setting("XDG_STATE_HOME"), *home = setting("HOME");
  const bool named = state && *state == '/';
  if (!named && !home) return false;
  const int length = snprintf(out, size, "%s%s", named ? state : home, named ? "/virtshim" : "/.local/state/virtshim");
  return length > 0 && static_cast<size_t>(length) < size;
}

}  // namespace virtshim
