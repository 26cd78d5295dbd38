/** Order of versions: `0.9.1` before `0.34.4`; `0.33.0-rc2` counts as 0.33.0. What is no number is 0. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [partsOf(a), partsOf(b)];
  const at = x.findIndex((part, index) => part !== y[index]);
  return at === -1 ? 0 : (x[at] as number) - (y[at] as number);
}

function partsOf(version: string): readonly [number, number, number] {
  const [major, minor, patch] = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(version)?.slice(1) ?? [];
  return [Number(major ?? 0), Number(minor ?? 0), Number(patch ?? 0)];
}
