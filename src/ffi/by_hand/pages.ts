/** Memory pages of the host: lists and matrices of one length. */
import { type ByHandFunctions, byHand } from '../../generated/ffi/by_hand.js';
import { arg } from '../args.js';
import { elements, putCell, returnedCount, roomIn, viewOf } from '../cells.js';
import type { Codec } from '../codec.js';
import { define, type FunctionOf } from '../define.js';
import { Cell, unsignedIn } from '../memory.js';
import { wrongArgument } from '../problems.js';
import { returns } from '../returns.js';

const countSize = 8;

/** As many counts as there are sizes of pages, for each cell. */
const freeCounts: Codec = {
  name: 'counts',
  input: false,
  put: (call) => putCell(call, 5, new Cell(roomIn(call, 1) * roomIn(call, 4) * countSize)),
  take: (call) => {
    const sizes = roomIn(call, 1);
    // libvirt's test driver fills all and returns 0.
    const cells = returnedCount(call) > 0 ? Math.ceil(returnedCount(call) / sizes) : roomIn(call, 4);
    const view = viewOf(call, 5);
    return elements(view, cells, sizes * countSize, (_, start) =>
      elements(view, sizes, countSize, (__, at) => unsignedIn(view, start + at)),
    );
  },
};

export const virNodeGetFreePages = define<FunctionOf<ByHandFunctions['virNodeGetFreePages']>>({
  ...byHand.virNodeGetFreePages,
  args: [
    arg.object('conn', 0),
    arg.uints('pages', 2, 1),
    arg.int('startCell', 3),
    arg.uint('cellCount', 4),
    freeCounts,
    arg.flags('flags', 6),
  ],
  returns: returns.count,
});

const wantedCounts = arg.ulonglongs('pageCounts', 3, 1);

/** As long as the list of sizes. */
const pageCounts: Codec = {
  ...wantedCounts,
  put: (call, value) => {
    const sizes = call.c[1];
    wantedCounts.put(call, value);
    if (call.c[1] !== sizes) wrongArgument(call.functionName, 'pageCounts', 'as long as `pageSizes`', value);
  },
};

export const virNodeAllocPages = define<FunctionOf<ByHandFunctions['virNodeAllocPages']>>({
  ...byHand.virNodeAllocPages,
  args: [
    arg.object('conn', 0),
    arg.uints('pageSizes', 2, 1),
    pageCounts,
    arg.int('startCell', 4),
    arg.uint('cellCount', 5),
    arg.flags('flags', 6),
  ],
  returns: returns.int,
});
