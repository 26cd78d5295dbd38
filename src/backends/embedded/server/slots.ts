/** A place where one request at a time is worked on. */
interface Slot<S> {
  readonly id: number;
  readonly sequence: S;
}

/** Requests share a fixed number of slots; those that find none free wait in the order in which they came. */
export interface Slots<S> {
  /** Waits for a slot. `affinity` rates a free slot for this request (more is better). Rejects with the signal's reason if it is aborted first. */
  acquire(affinity: (sequence: S) => number, signal: AbortSignal): Promise<Slot<S>>;
  release(slot: Slot<S>): void;
  /** `task`: the number of the request that it works on, or worked on last; -1: none yet. Numbers grow in the order in which requests come. */
  state(): readonly { readonly id: number; readonly processing: boolean; readonly task: number }[];
  /** Requests that wait for a slot. */
  waiting(): number;
}

interface Waiter<S> {
  readonly task: number;
  readonly affinity: (sequence: S) => number;
  readonly give: (slot: Slot<S>) => void;
}

/** Creates one slot for each sequence. Pure apart from its own state. */
export function createSlots<S>(sequences: readonly S[]): Slots<S> {
  const all: readonly Slot<S>[] = sequences.map((sequence, id) => ({ id, sequence }));
  const free = new Set(all);
  const queue: Waiter<S>[] = [];
  const tasks = all.map(() => -1);
  let requests = 0;

  const serve = (): void => {
    while (queue.length > 0 && free.size > 0) {
      const waiter = queue.shift();
      const slot = waiter && best([...free], waiter.affinity);
      if (!waiter || !slot) return;
      free.delete(slot);
      tasks[slot.id] = waiter.task;
      waiter.give(slot);
    }
  };

  return {
    acquire: (affinity, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const waiter: Waiter<S> = {
          task: requests++,
          affinity,
          give: (slot) => {
            signal.removeEventListener('abort', leave);
            resolve(slot);
          },
        };
        const leave = (): void => {
          queue.splice(queue.indexOf(waiter), 1);
          reject(signal.reason);
        };
        signal.addEventListener('abort', leave, { once: true });
        queue.push(waiter);
        serve();
      }),
    release(slot) {
      free.add(slot);
      serve();
    },
    state: () => all.map((slot) => ({ id: slot.id, processing: !free.has(slot), task: tasks[slot.id] ?? -1 })),
    waiting: () => queue.length,
  };
}

function best<S>(slots: readonly Slot<S>[], affinity: (sequence: S) => number): Slot<S> | undefined {
  let winner: Slot<S> | undefined;
  let score = -Infinity;
  for (const slot of slots) {
    const rating = affinity(slot.sequence);
    if (rating > score) [winner, score] = [slot, rating];
  }
  return winner;
}
