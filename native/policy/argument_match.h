// Comparisons of a call's arguments.
#pragma once

#include <cstring>

#include "policy/policy.h"

namespace virtshim::policy {

// The position of the argument of that name, or -1.
int findArgument(const FunctionFacts &function, uint16_t nameId);

// Whether one comparison holds. An argument that the function lacks fails; a NULL string equals nothing and matches no
// glob.
bool argumentMatches(const image::View &view, const image::Argument &argument, const Request &request);

// An argument as the index has it: strings as they are, uuids and numbers written to `scratch`; {false, ""} where the
// function has no such argument, it is NULL, or nothing that can be compared.
constexpr int kArgumentScratch = 36;
MaybeString argumentKey(uint16_t nameId, const Request &request, char (&scratch)[kArgumentScratch]);

// A number as the index has it: the bytes of its value.
template <typename T>
std::string_view bytesOf(T number, char (&scratch)[kArgumentScratch]) {
  memcpy(scratch, &number, sizeof number);
  return {scratch, sizeof number};
}

}  // namespace virtshim::policy
