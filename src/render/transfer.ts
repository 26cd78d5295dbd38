import { bytes, duration, sameUnit } from './format/units.ts';

/** One file on its way. Bytes; null: not known. */
export interface Transfer {
  readonly file: string;
  readonly done: number;
  readonly total: number | null;
  readonly bytesPerSecond: number | null;
}

/** The latest word about each file, in the order in which they were first heard of. */
export function withTransfer(transfers: readonly Transfer[], news: Transfer): readonly Transfer[] {
  const known = transfers.some(({ file }) => file === news.file);
  return known ? transfers.map((each) => (each.file === news.file ? news : each)) : [...transfers, news];
}

/** All of them as one: bytes and rates add up. null: there is none. */
export function totalOf(transfers: readonly Transfer[]): Transfer | null {
  const [first] = transfers;
  if (first === undefined) return null;
  const moving = transfers.filter(({ done, total }) => done !== total);
  return {
    file: transfers.length === 1 ? first.file : `${transfers.length} files`,
    done: sum(transfers.map(({ done }) => done)),
    total: transfers.some(({ total }) => total === null) ? null : sum(transfers.map(({ total }) => total ?? 0)),
    bytesPerSecond: moving.every(({ bytesPerSecond }) => bytesPerSecond === null)
      ? null
      : sum(moving.map(({ bytesPerSecond }) => bytesPerSecond ?? 0)),
  };
}

/** `2.1 of 9.8 GiB, 52.0 MiB/s, 2 m 20 s left`; what is not known is left out. */
export function transferWords({ done, total, bytesPerSecond }: Transfer): string {
  const { texts, unit } = sameUnit(total === null || total === done ? [done] : [done, total]);
  const parts = [`${texts.join(' of ')} ${unit}`];
  if (bytesPerSecond !== null && done !== total) parts.push(bytesPerSecond === 0 ? 'stalled' : `${bytes(bytesPerSecond)}/s`);
  if (total !== null && bytesPerSecond && done < total) parts.push(`${duration((1000 * (total - done)) / bytesPerSecond)} left`);
  return parts.join(', ');
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
