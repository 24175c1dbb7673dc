// native/generated/callbacks.{h,cc}: C functions that libvirt may call for an event from any thread, and
// src/generated/ffi/callbacks.ts: what their listeners in JavaScript are given.
import type { ApiCallbacks, CallbackArg, EventCallback } from '../callbacks.js';
import { banner } from './banner.js';

// libvirt refuses to track one function twice for the same event of one connection.
const variants = 32;

/** native/generated/callbacks.h */
export function emitCallbacksHeader(callbacks: ApiCallbacks): string {
  const names = typeNames(callbacks);
  return `${banner}
#pragma once

#include <cstdint>

namespace virtshim::addon {

enum class CallbackType : uint8_t {
${names.map((name) => `  ${name},\n`).join('')}};
constexpr int kCallbackTypeCount = ${names.length};

// Functions of one type differ in nothing but their address: libvirt takes one function only once for the same event
// of a connection.
constexpr int kCallbackVariants = ${variants};

// \`variant\` is below kCallbackVariants.
void *callbackFunction(CallbackType type, int variant);

}  // namespace virtshim::addon
`;
}

/** native/generated/callbacks.cc */
export function emitCallbacksSource(callbacks: ApiCallbacks): string {
  return `${banner}
#include "generated/callbacks.h"

#include <array>
#include <utility>

#include "addon/callback_requests.h"
#include "addon/callback_values.h"
#include "addon/callbacks.h"

namespace virtshim::addon {

namespace {

using Variants = std::array<void *, kCallbackVariants>;

${callbacks.events.map(cFunction).join('\n')}
template <template <int> class Function, int... I>
Variants variantsOf(std::integer_sequence<int, I...>) {
  return {reinterpret_cast<void *>(&Function<I>::call)...};
}

template <template <int> class Function>
Variants all() {
  return variantsOf<Function>(std::make_integer_sequence<int, kCallbackVariants>());
}

// Those that are answered are handed over with one call each, and never tracked.
template <typename Function>
Variants only(Function function) {
  Variants same;
  same.fill(reinterpret_cast<void *>(function));
  return same;
}

const Variants functions[kCallbackTypeCount] = {
${callbacks.events.map(({ name }) => `    all<${name}>(),\n`).join('')}\
${callbacks.requests.map((name) => `    only(ask_${name}),\n`).join('')}};

}  // namespace

void *callbackFunction(CallbackType type, int variant) { return functions[static_cast<int>(type)][variant]; }

}  // namespace virtshim::addon
`;
}

function typeNames(callbacks: ApiCallbacks): readonly string[] {
  return [...callbacks.events.map((callback) => callback.name), ...callbacks.requests];
}

function cFunction({ name, returns, args, levelTriggered }: EventCallback): string {
  const params = args.map((arg) => `${opaque(arg)}${arg.name}`).join(', ');
  const opaqueName = args.find((arg) => arg.kind === 'Opaque')?.name ?? '';
  const values = args.flatMap((arg, i) => cValue(arg, args[i + 1]));
  const post = `${levelTriggered ? 'postLatest' : 'post'}(${opaqueName}, values, ${values.length});`;
  const passed = args.map((arg) => arg.name).join(', ');
  const result = returns === 'void' ? '' : '  return 0;\n';
  return `[[gnu::noinline]] ${returns} on_${name}(${params}) {
  const CallbackValue values[] = {
${values.map((value) => `      ${value},\n`).join('')}  };
  ${post}
${result}}

template <int I>
struct ${name} {
  static ${returns} call(${params}) { return on_${name}(${passed}); }
};
`;
}

function opaque(arg: CallbackArg): string {
  const byValue = ['Int', 'UInt', 'LongLong', 'ULongLong', 'Mask', 'Count'].includes(arg.kind);
  if (byValue) return `${arg.cType} `;
  return arg.kind === 'Text' ? 'const char *' : 'void *';
}

function cValue(arg: CallbackArg, next: CallbackArg | undefined): readonly string[] {
  switch (arg.kind) {
    case 'Opaque':
    case 'Count':
      return [];
    case 'Object':
      return [`CallbackValue::object(ObjectKind::${arg.object}, ${arg.name})`];
    case 'TypedParams':
      return [`CallbackValue::typedParams(${arg.name}, ${next?.name})`];
    default:
      return [`CallbackValue::${constructors[arg.kind]}(${arg.name})`];
  }
}

const constructors = {
  Borrowed: 'borrowed',
  Int: 'integer',
  UInt: 'integer',
  LongLong: 'integer',
  ULongLong: 'natural',
  Mask: 'mask',
  Text: 'text',
  GraphicsAddress: 'graphicsAddress',
  GraphicsSubject: 'graphicsSubject',
  Error: 'error',
} as const;

/** src/generated/ffi/callbacks.ts */
export function emitCallbackTypes(callbacks: ApiCallbacks): string {
  const args = callbacks.events.flatMap((callback) => callback.args);
  const pointers = new Set(args.filter(isPointer).map((arg) => arg.cType));
  return `${banner}
import type { Integer64, TypedParameterValues } from '../../ffi/values.js';
import type { NativeError } from '../../native.js';
import type {
${[...pointers]
  .sort()
  .map((type) => `  ${type},\n`)
  .join('')}} from './types.js';

/** Where a graphics client or server is. */
export interface GraphicsAddress {
  /** virDomainEventGraphicsAddressType */
  readonly family: number;
  readonly node: string | null;
  readonly service: string | null;
}

/** Who a graphics client is. */
export interface GraphicsSubject {
  readonly identities: readonly { readonly type: string | null; readonly name: string | null }[];
}

/**
 * The listeners in JavaScript of what libvirt tells by calling a function. Objects are the listener's, who frees them;
 * the connection is lent, and good for as long as the program holds it or one of the objects.
 */
export interface CallbackListeners {
${callbacks.events.map(listenerType).join('')}}

export type CallbackName = keyof CallbackListeners;

/** The numbers that native code knows the types by, and the names of what their listeners are given. */
export const callbackTypes = {
${callbacks.events.map(typeRow).join('')}} as const;

/** Callbacks that libvirt waits for an answer of. */
export const requestTypes = {
${callbacks.requests.map((name, i) => `  ${name}: ${callbacks.events.length + i},\n`).join('')}} as const;

export type RequestName = keyof typeof requestTypes;

/** Which callback each event calls, by the function that registers for it. */
export const callbacksByEventId = {
${[...callbacks.byEventId].map(([fn, ids]) => eventIds(fn, ids)).join('')}} as const;
`;
}

function isPointer(arg: CallbackArg): boolean {
  return arg.kind === 'Borrowed' || arg.kind === 'Object';
}

function given(callback: EventCallback): readonly CallbackArg[] {
  return callback.args.filter((arg) => arg.kind !== 'Opaque' && arg.kind !== 'Count');
}

function listenerType(callback: EventCallback): string {
  const params = given(callback).map((arg) => `${arg.name}: ${tsType(arg)}`);
  return `  /** Since libvirt ${callback.since}. */\n  readonly ${callback.name}: (${params.join(', ')}) => void;\n`;
}

function typeRow(callback: EventCallback, id: number): string {
  const params = given(callback).map((arg) => `'${arg.name}'`);
  return `  ${callback.name}: { id: ${id}, params: [${params.join(', ')}] },\n`;
}

function eventIds(fn: string, ids: ReadonlyMap<number, string>): string {
  const rows = [...ids].sort(([a], [b]) => a - b).map(([id, callback]) => `    ${id}: '${callback}',\n`);
  return `  ${fn}: {\n${rows.join('')}  },\n`;
}

function tsType(arg: CallbackArg): string {
  return isPointer(arg) ? arg.cType : (tsTypes[arg.kind] ?? 'number');
}

const tsTypes: Readonly<Partial<Record<CallbackArg['kind'], string>>> = {
  LongLong: 'Integer64',
  ULongLong: 'Integer64',
  Text: 'string | null',
  GraphicsAddress: 'GraphicsAddress | null',
  GraphicsSubject: 'GraphicsSubject | null',
  TypedParams: 'TypedParameterValues',
  Error: 'NativeError',
};
