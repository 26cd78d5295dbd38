/** The numbers of the requests that slots, as llama-server tells them, work on; null in the list: one without a number; null: this is no list of slots. Pure. */
export function tasksIn(slots: unknown): readonly (number | null)[] | null {
  if (!Array.isArray(slots)) return null;
  return slots.filter(isBusy).map(({ id_task: task }) => (typeof task === 'number' ? task : null));
}

function isBusy(slot: unknown): slot is { readonly id_task?: unknown } {
  return typeof slot === 'object' && slot !== null && (slot as { readonly is_processing?: unknown }).is_processing === true;
}
