// Each adds its functions to the module's exports.
#pragma once

#include <napi.h>

namespace virtshim::addon {

void exportPolicy(Napi::Env env, Napi::Object exports);      // loadPolicy, decide, explain, ...
void exportCalls(Napi::Env env, Napi::Object exports);       // attach, lastError, callAsync, setActor, setThreads
void exportCallbacks(Napi::Env env, Napi::Object exports);   // callback, dropCallback, answer, startEventLoop, ...
void exportMemory(Napi::Env env, Napi::Object exports);      // readString, readMemory, readPointer, readPointers, free
void exportProcess(Napi::Env env, Napi::Object exports);     // exec, guarded
void exportTrail(Napi::Env env, Napi::Object exports);       // rotateTrail, appendNotice, lockUpkeep
void exportTrailCheck(Napi::Env env, Napi::Object exports);  // TrailCheck
void exportAuditLines(Napi::Env env, Napi::Object exports);  // auditLines

}  // namespace virtshim::addon
