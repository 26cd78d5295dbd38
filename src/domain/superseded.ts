/**
 * Why a run is told to stop: something newer is to be applied, and that begins at once. So no wait of the old run is seen
 * through, not even that of a model between its copies: the next run brings it to where it is wanted now.
 */
export class Superseded extends Error {
  override readonly name = 'Superseded';
  constructor(by: string) {
    super(`superseded by ${by}`);
  }
}

/** True if this is why the signal was aborted. */
export function isSuperseded({ reason }: AbortSignal): boolean {
  return reason instanceof Superseded;
}
