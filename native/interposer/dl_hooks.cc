#include "interposer/dl_hooks.h"

#include <dlfcn.h>

#include <cstring>

#include "call/dispatch.h"
#include "interposer/early_lookup.h"
#include "libvirt/loaded_objects.h"
#include "libvirt/real.h"
#include "sys/errno_guard.h"

using namespace virtshim;

// Read by the assembly below.
extern "C" {
__attribute__((visibility("hidden"))) void *virtshimRealDlsym;
__attribute__((visibility("hidden"))) void *virtshimRealDlvsym;
__attribute__((visibility("hidden"))) void *virtshimRealDlopen;
__attribute__((visibility("hidden"))) void *virtshimMatchSymbol(void *handle, const char *name);
__attribute__((visibility("hidden"))) void *virtshimMatchVersioned(void *handle, const char *name, const char *version);
__attribute__((visibility("hidden"))) void virtshimInitDlHooks();
}

namespace {

// Only programs' look-ups of libvirt's own public functions are answered with the wrapper; everything else, a failing
// look-up included, is the C library's to answer. RTLD_NEXT asks for what stands behind the caller: never for us.
void *matchLibvirtFunction(void *handle, const char *name) {
  if (handle == RTLD_NEXT) return nullptr;
  FunctionId id = findFunction(name);
  if (id == kNoFunction) return nullptr;
  ErrnoGuard guard;
  void *found = realDlsym(handle, name);
  if (!found || !isLibvirtCode(found)) return nullptr;
  // Found here already, but dlvsym would pass over the wrapper, which has no version, and find what stands behind it.
  return isShimCode(found) ? found : wrapperOf(id);
}

// Our wrappers have no versions: libvirt's own symbol must have the one that is asked for.
bool hasVersion(void *handle, const char *name, const char *version) {
  using Dlvsym = void *(*)(void *, const char *, const char *);
  ErrnoGuard guard;
  return reinterpret_cast<Dlvsym>(virtshimRealDlvsym)(handle, name, version);
}

VIRTSHIM_UNINSTRUMENTED void *findForHooks(const char *name) {
#ifdef VIRTSHIM_SANITIZED
  return findEarly("libc.so.", name);
#else
  return findInLibc(name);
#endif
}

}  // namespace

VIRTSHIM_UNINSTRUMENTED void *virtshimMatchSymbol(void *handle, const char *name) {
  virtshimInitDlHooks();
  return name && startsWithVir(name) ? matchLibvirtFunction(handle, name) : nullptr;
}

VIRTSHIM_UNINSTRUMENTED void *virtshimMatchVersioned(void *handle, const char *name, const char *version) {
  void *wrapper = virtshimMatchSymbol(handle, name);
  return wrapper && hasVersion(handle, name, version) ? wrapper : nullptr;
}

VIRTSHIM_UNINSTRUMENTED void virtshimInitDlHooks() {
  if (__atomic_load_n(&virtshimRealDlopen, __ATOMIC_ACQUIRE)) return;
  __atomic_store_n(&virtshimRealDlsym, findForHooks("dlsym"), __ATOMIC_RELEASE);
  __atomic_store_n(&virtshimRealDlvsym, findForHooks("dlvsym"), __ATOMIC_RELEASE);
  __atomic_store_n(&virtshimRealDlopen, findForHooks("dlopen"), __ATOMIC_RELEASE);
}

void virtshim::initDlHooks() { virtshimInitDlHooks(); }

// The C library looks at the return address: to know behind whom RTLD_NEXT is, and whose RUNPATH to search. A call
// from here would make it ours; a jump leaves it the program's, in every build and at every optimisation level.
// RTLD_DEEPBIND is 8.
#if defined(__x86_64__)
__asm__(R"(
  .text
  .macro VIRTSHIM_LOOKUP name, match, real
  .globl \name
  .type \name, @function
  .p2align 4
\name:
  .cfi_startproc
  endbr64
  pushq %rdi
  .cfi_adjust_cfa_offset 8
  pushq %rsi
  .cfi_adjust_cfa_offset 8
  pushq %rdx
  .cfi_adjust_cfa_offset 8
  call \match
  popq %rdx
  .cfi_adjust_cfa_offset -8
  popq %rsi
  .cfi_adjust_cfa_offset -8
  popq %rdi
  .cfi_adjust_cfa_offset -8
  testq %rax, %rax
  jz 1f
  ret
1:
  jmp *\real(%rip)
  .cfi_endproc
  .size \name, .-\name
  .endm

  VIRTSHIM_LOOKUP dlsym, virtshimMatchSymbol, virtshimRealDlsym
  VIRTSHIM_LOOKUP dlvsym, virtshimMatchVersioned, virtshimRealDlvsym

  .globl dlopen
  .type dlopen, @function
  .p2align 4
dlopen:
  .cfi_startproc
  endbr64
  cmpq $0, virtshimRealDlopen(%rip)
  jne 1f
  pushq %rdi
  .cfi_adjust_cfa_offset 8
  pushq %rsi
  .cfi_adjust_cfa_offset 8
  subq $8, %rsp
  .cfi_adjust_cfa_offset 8
  call virtshimInitDlHooks
  addq $8, %rsp
  .cfi_adjust_cfa_offset -8
  popq %rsi
  .cfi_adjust_cfa_offset -8
  popq %rdi
  .cfi_adjust_cfa_offset -8
1:
  andl $~8, %esi
  jmp *virtshimRealDlopen(%rip)
  .cfi_endproc
  .size dlopen, .-dlopen
)");
#elif defined(__aarch64__)
__asm__(R"(
  .text
  .macro VIRTSHIM_LOOKUP name, match, real
  .globl \name
  .type \name, %function
  .p2align 4
\name:
  .cfi_startproc
  hint #34
  stp x29, x30, [sp, #-48]!
  .cfi_adjust_cfa_offset 48
  .cfi_rel_offset x30, 8
  stp x0, x1, [sp, #16]
  str x2, [sp, #32]
  bl \match
  mov x9, x0
  ldr x2, [sp, #32]
  ldp x0, x1, [sp, #16]
  ldp x29, x30, [sp], #48
  .cfi_adjust_cfa_offset -48
  .cfi_restore x30
  cbz x9, 1f
  mov x0, x9
  ret
1:
  adrp x9, \real
  ldr x9, [x9, :lo12:\real]
  br x9
  .cfi_endproc
  .size \name, .-\name
  .endm

  VIRTSHIM_LOOKUP dlsym, virtshimMatchSymbol, virtshimRealDlsym
  VIRTSHIM_LOOKUP dlvsym, virtshimMatchVersioned, virtshimRealDlvsym

  .globl dlopen
  .type dlopen, %function
  .p2align 4
dlopen:
  .cfi_startproc
  hint #34
  adrp x9, virtshimRealDlopen
  ldr x9, [x9, :lo12:virtshimRealDlopen]
  cbnz x9, 1f
  stp x29, x30, [sp, #-32]!
  .cfi_adjust_cfa_offset 32
  .cfi_rel_offset x30, 8
  stp x0, x1, [sp, #16]
  bl virtshimInitDlHooks
  ldp x0, x1, [sp, #16]
  ldp x29, x30, [sp], #32
  .cfi_adjust_cfa_offset -32
  .cfi_restore x30
  adrp x9, virtshimRealDlopen
  ldr x9, [x9, :lo12:virtshimRealDlopen]
1:
  and w1, w1, #0xfffffff7
  br x9
  .cfi_endproc
  .size dlopen, .-dlopen
)");
#else
#error "virtshim: write the three jumps of dl_hooks.cc for this processor"
#endif
