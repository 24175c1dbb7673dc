// The check of a trail's records for JavaScript: what follows is gone over here, block by block; what does not is
// looked at there, line by line.
#include <cstdlib>

#include "addon/exports.h"
#include "audit/trail_check.h"

namespace virtshim::addon {

namespace {

using audit::RecordKind;
using audit::RootFacts;

std::string_view bytesOf(const Napi::Value &value) {
  const Napi::Uint8Array bytes = value.As<Napi::Uint8Array>();
  return {reinterpret_cast<const char *>(bytes.Data()), bytes.ByteLength()};
}

std::string hexOf(const uint8_t *bytes, size_t size) {
  std::string hex(2 * size, '0');
  hexLower(bytes, size, &hex[0]);
  return hex;
}

std::string recordId(uint64_t rid) {
  uint8_t bytes[8];
  for (int i = 7; i >= 0; i--, rid >>= 8) bytes[i] = static_cast<uint8_t>(rid);
  return hexOf(bytes, sizeof bytes);
}

Napi::Number number(Napi::Env env, uint64_t value) { return Napi::Number::New(env, static_cast<double>(value)); }

// A position of JavaScript's: {seq, chain}, chain in hex.
audit::TrailCheck::End endOf(const Napi::Value &value) {
  const Napi::Object position = value.As<Napi::Object>();
  const std::string chain = position.Get("chain").ToString().Utf8Value();
  audit::TrailCheck::End end;
  end.sequence = static_cast<uint64_t>(position.Get("seq").ToNumber().Int64Value());
  for (size_t i = 0; i < kSha256Size && 2 * i + 1 < chain.size(); i++)
    end.chain[i] = static_cast<uint8_t>(strtoul(chain.substr(2 * i, 2).c_str(), nullptr, 16));
  return end;
}

std::vector<std::string> textsOf(const Napi::Value &value) {
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < array.Length(); i++) texts.push_back(array.Get(i).ToString().Utf8Value());
  return texts;
}

Napi::Object placeOf(Napi::Env env, const audit::RecordPlace &place) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("rid", recordId(place.rid));
  object.Set("seq", number(env, place.sequence));
  object.Set("file", number(env, place.file));
  object.Set("line", number(env, place.line));
  return object;
}

// new TrailCheck(ids of the trail); src/native.ts says what its methods do.
class TrailCheck : public Napi::ObjectWrap<TrailCheck> {
 public:
  explicit TrailCheck(const Napi::CallbackInfo &info) : ObjectWrap(info), check_(textsOf(info[0])) {}

  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "TrailCheck",
                       {
                           InstanceMethod<&TrailCheck::addTexts>("addTexts"),
                           InstanceMethod<&TrailCheck::beginFile>("beginFile"),
                           InstanceMethod<&TrailCheck::follow>("follow"),
                           InstanceMethod<&TrailCheck::look>("look"),
                           InstanceMethod<&TrailCheck::note>("note"),
                           InstanceMethod<&TrailCheck::follows>("follows"),
                           InstanceMethod<&TrailCheck::takeMissing>("takeMissing"),
                           InstanceMethod<&TrailCheck::summary>("summary"),
                           InstanceAccessor<&TrailCheck::end, &TrailCheck::setEnd>("end"),
                           InstanceAccessor<&TrailCheck::line>("line"),
                       });
  }

 private:
  Napi::Value addTexts(const Napi::CallbackInfo &info) {
    check_.addTexts(bytesOf(info[0]), info[1].ToBoolean());
    return info.Env().Undefined();
  }

  Napi::Value beginFile(const Napi::CallbackInfo &info) {
    check_.beginFile();
    return info.Env().Undefined();
  }

  Napi::Value follow(const Napi::CallbackInfo &info) { return number(info.Env(), check_.follow(bytesOf(info[0]))); }

  // The root tag of the next line, which is passed; undefined where it is no record.
  Napi::Value look(const Napi::CallbackInfo &info) {
    const Napi::Env env = info.Env();
    RootFacts facts;
    check_.passLine();
    if (!audit::readRoot(bytesOf(info[0]), &facts)) return env.Undefined();
    Napi::Object root = Napi::Object::New(env);
    root.Set("rid", recordId(facts.rid));
    root.Set("seq", number(env, facts.line.sequence));
    root.Set("chain", hexOf(facts.line.chain, kSha256Size));
    root.Set("notice", facts.kind == RecordKind::Notice);
    return root;
  }

  Napi::Value note(const Napi::CallbackInfo &info) {
    RootFacts facts;
    const std::string_view line = bytesOf(info[0]);
    if (audit::readRoot(line, &facts)) check_.note(line, facts);
    return info.Env().Undefined();
  }

  Napi::Value follows(const Napi::CallbackInfo &info) {
    const std::string_view line = bytesOf(info[0]);
    RootFacts facts;
    const bool follows = audit::readRoot(line, &facts) && audit::followsFrom(endOf(info[1]).chain, line, facts.line);
    return Napi::Boolean::New(info.Env(), follows);
  }

  Napi::Value takeMissing(const Napi::CallbackInfo &info) {
    audit::TextFacts facts;
    const bool missing = audit::readText(bytesOf(info[0]), &facts) && check_.texts.takeMissing(facts.rid);
    return Napi::Boolean::New(info.Env(), missing);
  }

  Napi::Value summary(const Napi::CallbackInfo &info) {
    const Napi::Env env = info.Env();
    Napi::Object summary = Napi::Object::New(env);
    summary.Set("records", number(env, check_.records));
    summary.Set("anchored", number(env, check_.anchored));
    summary.Set("missing", number(env, check_.texts.countMissing()));
    summary.Set("rewrittenCount", number(env, check_.rewrittenCount));
    Napi::Array rewritten = Napi::Array::New(env);
    for (const audit::RecordPlace &place : check_.rewritten) rewritten.Set(rewritten.Length(), placeOf(env, place));
    summary.Set("rewritten", rewritten);
    summary.Set("unanchored", number(env, check_.unanchored));
    if (check_.unanchored > 0) summary.Set("firstUnanchored", placeOf(env, check_.firstUnanchored));
    Napi::Array calls = Napi::Array::New(env);
    for (const auto &[rid, call] : check_.calls) {
      Napi::Object open = placeOf(env, {rid, call.sequence, call.file, call.line});
      open.Set("pid", number(env, call.pid));
      open.Set("event", call.function);
      calls.Set(calls.Length(), open);
    }
    summary.Set("calls", calls);
    return summary;
  }

  Napi::Value end(const Napi::CallbackInfo &info) {
    Napi::Object end = Napi::Object::New(info.Env());
    end.Set("seq", number(info.Env(), check_.end.sequence));
    end.Set("chain", hexOf(check_.end.chain, kSha256Size));
    return end;
  }

  void setEnd(const Napi::CallbackInfo &, const Napi::Value &value) { check_.end = endOf(value); }

  Napi::Value line(const Napi::CallbackInfo &info) { return number(info.Env(), check_.line()); }

  audit::TrailCheck check_;
};

}  // namespace

void exportTrailCheck(Napi::Env env, Napi::Object exports) { exports.Set("TrailCheck", TrailCheck::define(env)); }

}  // namespace virtshim::addon
