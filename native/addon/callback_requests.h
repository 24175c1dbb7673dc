// Callbacks that libvirt waits for an answer of. Called on the JavaScript thread they run there and then; on any other
// thread they wait until JavaScript has answered, and answer failure where it no longer can.
#pragma once

#include <cstddef>

namespace virtshim::addon {

int ask_virConnectAuthCallbackPtr(void *credentials, unsigned int count, void *opaque);
int ask_virStreamSinkFunc(void *stream, const char *data, size_t size, void *opaque);
int ask_virStreamSinkHoleFunc(void *stream, long long length, void *opaque);
int ask_virStreamSourceFunc(void *stream, char *data, size_t size, void *opaque);
int ask_virStreamSourceHoleFunc(void *stream, int *inData, long long *length, void *opaque);
int ask_virStreamSourceSkipFunc(void *stream, long long length, void *opaque);

// Size of a virConnectAuth with its types of credentials behind it.
size_t authSize(size_t typeCount);

// Makes one in `memory`; returns where the types go.
int *fillAuth(void *memory, size_t typeCount, void *opaque);

}  // namespace virtshim::addon
