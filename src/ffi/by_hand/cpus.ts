/** Functions that fill matrices of CPUs. */
import { type ByHandFunctions, byHand } from '../../generated/ffi/by_hand.js';
import { virVcpuInfo } from '../../generated/ffi/structs.js';
import { arg } from '../args.js';
import { elements, pointed, putCell, returnedCount, roomIn, viewOf } from '../cells.js';
import type { Call, Codec } from '../codec.js';
import { define, type FunctionOf } from '../define.js';
import { bytesAt, Cell, free } from '../memory.js';
import { out } from '../outs.js';
import { returns } from '../returns.js';
import { freeStrings, parameterSize, readParameters, type TypedParameterValues } from '../typed_parameters.js';

/** Maps of CPUs, one after the other: room for `rows` (an argument) of `length` (an argument) bytes each. */
function cpuMaps(name: string, index: number, rowsIndex: number, lengthIndex: number): Codec {
  return {
    name,
    input: false,
    put: (call) => {
      const size = roomIn(call, rowsIndex) * roomIn(call, lengthIndex);
      if (size > 0) putCell(call, index, new Cell(size));
      else call.c[index] = null;
    },
    take: (call) => {
      const length = roomIn(call, lengthIndex);
      const bytes = call.cells[index]?.bytes;
      if (bytes === undefined) return [];
      return Array.from({ length: returnedCount(call) }, (_, i) => bytes.slice(i * length, (i + 1) * length));
    },
  };
}

export const virDomainGetVcpus = define<FunctionOf<ByHandFunctions['virDomainGetVcpus']>>({
  ...byHand.virDomainGetVcpus,
  args: [
    arg.object('domain', 0),
    out.records('info', 1, virVcpuInfo, 2),
    arg.int('maxinfo', 2),
    cpuMaps('cpumaps', 3, 2, 4),
    arg.int('maplen', 4),
  ],
  returns: returns.count,
});

export const virDomainGetVcpuPinInfo = define<FunctionOf<ByHandFunctions['virDomainGetVcpuPinInfo']>>({
  ...byHand.virDomainGetVcpuPinInfo,
  args: [
    arg.object('domain', 0),
    arg.int('ncpumaps', 1),
    cpuMaps('cpumaps', 2, 1, 3),
    arg.int('maplen', 3),
    arg.flags('flags', 4),
  ],
  returns: returns.count,
});

export const virNodeGetCPUMap = define<FunctionOf<ByHandFunctions['virNodeGetCPUMap']>>({
  ...byHand.virNodeGetCPUMap,
  args: [
    arg.object('conn', 0),
    pointed(
      'cpumap',
      1,
      (address, call) => bytesAt(address, address === 0n ? 0 : (returnedCount(call) + 7) >> 3),
      free,
    ),
    out.uint('online', 2),
    arg.flags('flags', 3),
  ],
  returns: { ...returns.count, data: true },
  resultName: 'cpus',
});

const mostCpus = 128;

/** What virDomainGetCPUStats is asked for, and what it has told. */
interface Question {
  step: 'cpus' | 'parameters' | 'values';
  next: number;
  left: number;
  readonly rows: TypedParameterValues[];
}

/** params, nparams, start_cpu, ncpus: asks for the number of CPUs, of parameters, then for all of them in turns. */
const cpuStatistics: Codec = {
  name: 'params',
  input: false,
  put: (call) => {
    const [next, left] = [Number(call.c[3]), Number(call.c[4])];
    call.notes[1] = { step: left === 0 ? 'cpus' : 'parameters', next, left, rows: [] } satisfies Question;
    ask(call, 0, left === 0 ? 0 : next, left === 0 ? 0 : 1);
  },
  again: (call) => nextStep(call, questionOf(call)),
  take: (call) => questionOf(call).rows,
};

function questionOf(call: Call): Question {
  return call.notes[1] as Question;
}

function ask(call: Call, parameters: number, start: number, cpus: number): void {
  if (parameters > 0) putCell(call, 1, new Cell(parameters * cpus * parameterSize));
  else call.c[1] = null;
  [call.c[2], call.c[3], call.c[4]] = [parameters, start, cpus];
}

function nextStep(call: Call, question: Question): boolean {
  switch (question.step) {
    case 'cpus':
      question.left = returnedCount(call) - question.next;
      question.step = 'parameters';
      if (question.left > 0) ask(call, 0, question.next, 1);
      return question.left > 0;
    case 'parameters':
      question.step = 'values';
      if (returnedCount(call) > 0) ask(call, returnedCount(call), question.next, Math.min(question.left, mostCpus));
      return returnedCount(call) > 0;
    case 'values':
      return takeValues(call, question);
  }
}

function takeValues(call: Call, question: Question): boolean {
  const [parameters, cpus] = [Number(call.c[2]), Number(call.c[4])];
  const view = viewOf(call, 1);
  const column = parameters * parameterSize;
  question.rows.push(...elements(view, cpus, column, (_, at) => readParameters(view, returnedCount(call), at)));
  freeStrings(view, parameters * cpus);
  question.next += cpus;
  question.left -= cpus;
  if (question.left > 0) ask(call, parameters, question.next, Math.min(question.left, mostCpus));
  return question.left > 0;
}

export const virDomainGetCPUStats = define<FunctionOf<ByHandFunctions['virDomainGetCPUStats']>>({
  ...byHand.virDomainGetCPUStats,
  args: [arg.object('domain', 0), arg.int('start_cpu', 3), arg.uint('ncpus', 4), cpuStatistics, arg.flags('flags', 5)],
  returns: returns.count,
});
