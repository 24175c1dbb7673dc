#include "addon/ffi_calls.h"

#include <napi.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "addon/exports.h"
#include "addon/ffi_library.h"
#include "addon/ffi_values.h"

namespace virtshim::addon {

namespace {

uv_handle_t *handleOf(uv_async_t *async) { return reinterpret_cast<uv_handle_t *>(async); }

constexpr size_t kFewCalls = 2;
constexpr int kPatience = 4;
constexpr int kRetryAtLast = 1024;

}  // namespace

Calls *Calls::of(napi_env env) {
  if (Calls *known = partOf<Calls>(env)) return known;
  std::unique_ptr<Calls> calls(new Calls(env));
  if (!calls->open()) return nullptr;
  Calls *made = calls.get();
  addPart(env, kPart, std::move(calls));
  return made;
}

bool Calls::open() {
  napi_value name, table;
  napi_create_string_utf8(env_, "virtshim calls", NAPI_AUTO_LENGTH, &name);
  napi_create_array(env_, &table);
  if (napi_create_reference(env_, table, 1, &table_) != napi_ok) return false;
  if (napi_async_init(env_, nullptr, name, &context_) != napi_ok) return false;
  uv_loop_t *loop;
  if (napi_get_uv_event_loop(env_, &loop) != napi_ok) return false;
  // Its size is that of the libuv that is there.
  auto *wakeUp = static_cast<uv_async_t *>(malloc(uv_handle_size(UV_ASYNC)));
  if (!wakeUp || uv_async_init(loop, wakeUp, deliver) != 0) {
    free(wakeUp);
    return false;
  }
  wakeUp_ = wakeUp;
  uv_handle_set_data(handleOf(wakeUp_), this);
  // Only calls in flight keep a program alive.
  uv_unref(handleOf(wakeUp_));
  return true;
}

Calls::~Calls() {
  close();
  if (context_) napi_async_destroy(env_, context_);
  if (table_) napi_delete_reference(env_, table_);
}

void Calls::close() {
  if (finished_) Pool::instance().close(finished_);
  finished_ = nullptr;
  if (wakeUp_) uv_close(handleOf(wakeUp_), [](uv_handle_t *handle) { free(handle); });
  wakeUp_ = nullptr;
}

bool Calls::start(Job *job, napi_value done, napi_value values) {
  job->destination = finished_;
  job->actor = actor;
  keep(job, {done, values});
  const bool attend = mayAttend(*job);
  if (!finished_ || !Pool::instance().submit(job, attend)) {
    release(*job);
    return false;
  }
  if (attend && !attending_) wake(this);
  attending_ = attending_ || attend;
  return true;
}

// A program that waits for each of its short calls would sleep and be woken for every one, which takes several times as
// long as the call. Its thread looks after the call instead, for some microseconds, once it has nothing else to run.
bool Calls::mayAttend(const Job &job) {
  if (inFlight_ > kFewCalls || !Pool::instance().isShort(job.id)) return false;
  if (patience_ > 0) return true;
  // Tried again from time to time: there may be a free processor by now.
  if (++passedUp_ < retryAfter_) return false;
  passedUp_ = 0;
  retryAfter_ = std::min(2 * retryAfter_, kRetryAtLast);
  patience_ = 1;
  return true;
}

void Calls::keep(Job *job, const Kept &kept) {
  if (freeTickets_.empty()) freeTickets_.push_back(tickets_++);
  job->ticket = freeTickets_.back();
  freeTickets_.pop_back();
  napi_value table;
  napi_get_reference_value(env_, table_, &table);
  napi_set_element(env_, table, 2 * job->ticket, kept.done);
  if (hasWritableBytes(*job)) napi_set_element(env_, table, 2 * job->ticket + 1, kept.values);
  if (++inFlight_ == 1 && wakeUp_) uv_ref(handleOf(wakeUp_));
}

Calls::Kept Calls::release(const Job &job) {
  napi_value table, nothing;
  napi_get_reference_value(env_, table_, &table);
  napi_get_undefined(env_, &nothing);
  Kept kept = {nothing, nothing};
  napi_get_element(env_, table, 2 * job.ticket, &kept.done);
  napi_set_element(env_, table, 2 * job.ticket, nothing);
  if (hasWritableBytes(job)) {
    napi_get_element(env_, table, 2 * job.ticket + 1, &kept.values);
    napi_set_element(env_, table, 2 * job.ticket + 1, nothing);
  }
  freeTickets_.push_back(job.ticket);
  if (--inFlight_ == 0 && wakeUp_) uv_unref(handleOf(wakeUp_));
  return kept;
}

// Called where a call ended: on any thread.
void Calls::wake(void *calls) { uv_async_send(static_cast<Calls *>(calls)->wakeUp_); }

void Calls::deliver(uv_async_t *wakeUp) {
  Calls *self = static_cast<Calls *>(uv_handle_get_data(handleOf(wakeUp)));
  const Napi::HandleScope handles(self->env_);
  napi_callback_scope scope;
  if (napi_open_callback_scope(self->env_, nullptr, self->context_, &scope) != napi_ok) return;
  self->deliverAll();
  // Promises and ticks have their turn.
  napi_close_callback_scope(self->env_, scope);
}

void Calls::deliverAll() {
  if (!finished_) return;
  const bool attended = std::exchange(attending_, false);
  if (attended) Pool::attend(finished_);
  JobList finished = Pool::instance().takeFinished(finished_);
  if (attended && finished.empty()) {
    --patience_;
  } else if (attended) {
    patience_ = kPatience;
    retryAfter_ = kRetryFirst;
  }
  while (Job *job = finished.pop()) {
    const Napi::HandleScope scope(env_);
    deliverOne(*job);
    Job::destroy(job);
  }
}

void Calls::deliverOne(const Job &job) {
  const Napi::Env env(env_);
  const Kept kept = release(job);
  copyBack(env, job, kept.values);
  const napi_value arguments[] = {resultOf(env, job), errorObject(env, job.error ? &job.error->get() : nullptr)};
  napi_call_function(env, env.Undefined(), kept.done, 2, arguments, nullptr);
  if (!env.IsExceptionPending()) return;
  // What one listener throws must not keep the others waiting.
  napi_value thrown;
  napi_get_and_clear_last_exception(env, &thrown);
  napi_fatal_exception(env, thrown);
}

namespace {

constexpr char kNotAttached[] = "no shim was attached: call attach() first";

Napi::Value fail(Napi::Env env, const std::string &message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

// attach(shim)
Napi::Value attach(const Napi::CallbackInfo &info) {
  if (!info[0].IsString()) return fail(info.Env(), "`shim` must be the path of libvirtshim.so");
  std::string problem;
  if (!attachShim(info[0].As<Napi::String>().Utf8Value().c_str(), &problem)) {
    Napi::Error::New(info.Env(), problem).ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  // The actor may have been set before there was a shim to tell.
  const Calls *calls = partOf<Calls>(info.Env());
  if (calls && calls->actor) applyActor(calls->actor.get());
  return info.Env().Undefined();
}

// lastError() -> this thread's last libvirt error, or null
Napi::Value lastError(const Napi::CallbackInfo &info) {
  if (!isAttached()) return fail(info.Env(), kNotAttached);
  return {info.Env(), errorObject(info.Env(), lastLibvirtError())};
}

// Whether the value is the id of a function.
bool idFromValue(Napi::Value value, FunctionId *id) {
  if (!value.IsNumber()) return false;
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= 0 && number < kFunctionCount)) return false;
  *id = static_cast<FunctionId>(number);
  return static_cast<double>(*id) == number;
}

// The job of the arguments `id` and `args`; nullptr, with a pending TypeError, where they make none.
Job *jobOfArguments(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  FunctionId id;
  if (!isAttached()) {
    fail(env, kNotAttached);
  } else if (!idFromValue(info[0], &id)) {
    fail(env, "`id` must be the id of a libvirt function");
  } else if (!info[1].IsArray()) {
    fail(env, "`args` must be an array");
  } else {
    return jobFromValues(env, id, info[1].As<Napi::Array>());
  }
  return nullptr;
}

// callAsync(id, args, order, done)
Napi::Value callAsync(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  void *order;
  if (!pointerFromValue(env, info[2], "`order`", &order)) return env.Undefined();
  if (!info[3].IsFunction()) return fail(env, "`done` must be a function");
  Job *job = jobOfArguments(info);
  if (!job) return env.Undefined();
  job->ordered = order != nullptr;
  job->order = reinterpret_cast<uint64_t>(order);
  Calls *calls = Calls::of(env);
  if (calls && calls->start(job, info[3], info[1])) return env.Undefined();
  Job::destroy(job);
  Napi::Error::New(env, "no thread can be started for libvirt calls").ThrowAsJavaScriptException();
  return env.Undefined();
}

// callHere(id, args) -> [result, error]
Napi::Value callHere(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  Job *job = jobOfArguments(info);
  if (!job) return env.Undefined();
  job->run();
  copyBack(env, *job, info[1]);
  Napi::Array answer = Napi::Array::New(env, 2);
  answer.Set(0u, resultOf(env, *job));
  answer.Set(1u, errorObject(env, job->error ? &job->error->get() : nullptr));
  Job::destroy(job);
  return answer;
}

// setThreads(max)
Napi::Value setThreads(const Napi::CallbackInfo &info) {
  const double max = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
  if (!(max >= 1 && max <= 1024)) return fail(info.Env(), "`max` must be a number of threads from 1 to 1024");
  Pool::instance().setThreads(static_cast<int>(max));
  return info.Env().Undefined();
}

// False, with a pending TypeError, where the value is neither string nor null.
bool textFromValue(Napi::Value value, const char *what, Actor::Text *text) {
  if (!value.IsString() && !value.IsNull()) {
    fail(value.Env(), std::string(what) + " must be a string or null");
    return false;
  }
  text->known = value.IsString();
  if (text->known) text->value = value.As<Napi::String>().Utf8Value();
  return true;
}

// setActor(user, via, reason)
Napi::Value setActor(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  auto actor = std::make_shared<Actor>();
  if (!textFromValue(info[0], "`user`", &actor->user) || !textFromValue(info[1], "`via`", &actor->via) ||
      !textFromValue(info[2], "`reason`", &actor->reason)) {
    return env.Undefined();
  }
  if (!actor->user.known && !actor->via.known && !actor->reason.known) actor.reset();
  Calls *calls = Calls::of(env);
  if (!calls) return fail(env, "this environment is going away");
  applyActor(actor.get());
  calls->actor = std::move(actor);
  return env.Undefined();
}

}  // namespace

void exportCalls(Napi::Env env, Napi::Object exports) {
  exports.Set("attach", Napi::Function::New<attach>(env, "attach"));
  exports.Set("lastError", Napi::Function::New<lastError>(env, "lastError"));
  exports.Set("callAsync", Napi::Function::New<callAsync>(env, "callAsync"));
  exports.Set("callHere", Napi::Function::New<callHere>(env, "callHere"));
  exports.Set("setActor", Napi::Function::New<setActor>(env, "setActor"));
  exports.Set("setThreads", Napi::Function::New<setThreads>(env, "setThreads"));
}

}  // namespace virtshim::addon
