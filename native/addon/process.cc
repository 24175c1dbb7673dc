// This process: whether the shim guards it, and its replacement by another program, as if Node had never been here.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "addon/exports.h"

namespace virtshim::addon {

namespace {

// The bytes behind strings that JavaScript cannot hold: arguments and variables need not be UTF-8, and Node gives them
// to the program with replacement characters.
class OriginalBytes {
 public:
  explicit OriginalBytes(Napi::Env env) : env_(env) {
    for (char *const *variable = environ; *variable != nullptr; ++variable) note(*variable);
    std::ifstream commandLine("/proc/self/cmdline");
    for (std::string argument; std::getline(commandLine, argument, '\0');) note(argument);
  }

  const std::string &of(const std::string &text) const {
    const auto found = originals_.find(text);
    return found == originals_.end() ? text : found->second;
  }

 private:
  void note(const std::string &bytes) {
    const std::string asText = Napi::String::New(env_, bytes).Utf8Value();
    if (asText != bytes) originals_[asText] = bytes;
  }

  Napi::Env env_;
  std::map<std::string, std::string> originals_;
};

// A NULL-terminated array of C strings that owns their bytes.
class StringVector {
 public:
  void add(const std::string &text) { texts_.push_back(text); }

  char *const *pointers() {
    pointers_.clear();
    for (std::string &text : texts_) pointers_.push_back(&text[0]);
    pointers_.push_back(nullptr);
    return pointers_.data();
  }

 private:
  std::vector<std::string> texts_;
  std::vector<char *> pointers_;
};

// Node ignores SIGPIPE, and libuv has handlers of its own: ignored signals would stay ignored in the program.
void resetSignals() {
  struct sigaction byDefault = {};
  byDefault.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &byDefault, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Node's own descriptors of these numbers are pipes and anonymous inodes; all else was inherited.
bool wasInherited(int fd) {
  struct stat status;
  if (fd <= 2 || fstat(fd, &status) != 0) return fd <= 2;
  return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISCHR(status.st_mode) || S_ISSOCK(status.st_mode);
}

// At its start Node marks the first descriptors as not for its children. libuv makes pipes and sockets non-blocking on
// the open file itself, which the program would inherit.
void resetInheritedFiles() {
  constexpr int kLastThatNodeMarks = 15;
  for (int fd = 0; fd <= kLastThatNodeMarks; ++fd) {
    if (wasInherited(fd)) fcntl(fd, F_SETFD, 0);
  }
  for (int fd = 0; fd <= 2; ++fd) {
    const int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK)) fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
  }
}

// Node raises its soft limit of open files to the hard one; programs that close "all" descriptors would suffer. The
// limit that this process was started with is most likely still its parent's.
void resetFileLimit() {
  rlimit own;
  rlimit parents;
  if (getrlimit(RLIMIT_NOFILE, &own) != 0 || prlimit(getppid(), RLIMIT_NOFILE, nullptr, &parents) != 0) return;
  if (parents.rlim_max != own.rlim_max || parents.rlim_cur >= own.rlim_cur) return;
  own.rlim_cur = parents.rlim_cur;
  setrlimit(RLIMIT_NOFILE, &own);
}

Napi::Value throwErrno(Napi::Env env, int number, const std::string &file) {
  const char *code = strerrorname_np(number);
  Napi::Error error = Napi::Error::New(env, std::string(strerror(number)) + ": `" + file + "`");
  error.Set("code", Napi::String::New(env, code == nullptr ? "EUNKNOWN" : code));
  error.Set("errno", Napi::Number::New(env, number));
  error.ThrowAsJavaScriptException();
  return env.Undefined();
}

Napi::Value throwUsage(Napi::Env env) {
  Napi::TypeError::New(env, "expected a file, an array of arguments and an environment").ThrowAsJavaScriptException();
  return env.Undefined();
}

// exec(file, argv, env): never returns; throws an Error with `code` (ENOENT, EACCES, ...) where the program cannot be
// started. `file` is a path, argv[0] the program's own name; variables that are undefined are left out.
Napi::Value exec(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString() || !info[1].IsArray() || !info[2].IsObject()) return throwUsage(env);
  const std::string file = info[0].As<Napi::String>().Utf8Value();
  const OriginalBytes original(env);
  StringVector arguments;
  const Napi::Array list = info[1].As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); ++i) {
    arguments.add(original.of(list.Get(i).ToString().Utf8Value()));
  }
  StringVector environment;
  const Napi::Object variables = info[2].As<Napi::Object>();
  const Napi::Array names = variables.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = names.Get(i).ToString().Utf8Value();
    if (variables.Get(name).IsUndefined()) continue;
    environment.add(original.of(name + "=" + variables.Get(name).ToString().Utf8Value()));
  }
  if (env.IsExceptionPending()) return env.Undefined();
  resetInheritedFiles();
  resetFileLimit();
  resetSignals();
  execve(file.c_str(), arguments.pointers(), environment.pointers());
  return throwErrno(env, errno, file);
}

// The file of the first library, in the order that programs find symbols, with a symbol of this name.
const void *firstWith(const char *symbol) {
  Dl_info info;
  const void *found = dlsym(RTLD_DEFAULT, symbol);
  return found != nullptr && dladdr(found, &info) ? info.dli_fbase : nullptr;
}

// guarded(): whether the shim was there before the C library. Only then do all addons meet it, also those that look
// functions up by dlsym: a library that is loaded later comes behind the C library's own dlsym.
Napi::Value guarded(const Napi::CallbackInfo &info) {
  const void *shim = firstWith("virtshim_set_actor");
  return Napi::Boolean::New(info.Env(), shim != nullptr && shim == firstWith("dlsym"));
}

}  // namespace

void exportProcess(Napi::Env env, Napi::Object exports) {
  exports.Set("exec", Napi::Function::New(env, exec, "exec"));
  exports.Set("guarded", Napi::Function::New(env, guarded, "guarded"));
}

}  // namespace virtshim::addon
