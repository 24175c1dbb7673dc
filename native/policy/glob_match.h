// Globs as the image holds them.
#pragma once

#include <cstring>

#include "policy/glob.h"
#include "policy/image.h"

namespace virtshim::policy {

inline bool globMatches(const image::View &view, uint32_t index, std::string_view text) {
  const image::Glob &glob = view.globs[index];
  if (text.size() < glob.literalSize) return false;
  if (memcmp(text.data(), view.strings + glob.literal, glob.literalSize) != 0) return false;
  if (glob.form == image::GlobForm::Exact) return text.size() == glob.literalSize;
  if (glob.form == image::GlobForm::Prefix) return true;
  return globMatches({view.strings + glob.rest, glob.restSize}, text.substr(glob.literalSize));
}

}  // namespace virtshim::policy
