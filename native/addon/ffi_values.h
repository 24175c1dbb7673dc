// JavaScript's values as C takes them, and back.
#pragma once

#include <napi.h>

#include <memory>
#include <string>

#include "addon/ffi_job.h"

namespace virtshim::addon {

// A job for a call of `id` with these arguments, strings and bytes copied into it; nullptr with a pending TypeError
// where they are not what the function takes.
Job *jobFromValues(Napi::Env env, FunctionId id, const Napi::Array &values);

// Whether a call may write to memory that JavaScript gave.
bool hasWritableBytes(const Job &job);

// Copies what the call wrote back to the Uint8Arrays among the values that the job was made from.
void copyBack(Napi::Env env, const Job &job, napi_value values);

// undefined for void, null for NULL, numbers where they are safe integers.
napi_value resultOf(napi_env env, const Job &job);

// {code, domain, level, message, str1, str2, str3, int1, int2}; null for nullptr.
napi_value errorObject(Napi::Env env, const LibvirtError *error);

// A pointer: bigint, or null for NULL.
napi_value pointerValue(napi_env env, const void *pointer);

// The address that a bigint or null stands for. False, with a pending TypeError that names `what`, for another value.
bool pointerFromValue(Napi::Env env, napi_value value, const char *what, void **pointer);

}  // namespace virtshim::addon
