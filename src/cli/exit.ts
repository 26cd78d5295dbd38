/**
 * Exit codes. 0 to 2 mean what fingers expect of `terraform plan -detailed-exitcode`; the typed failures from 3 on are
 * given with that flag only, otherwise every failure is 1.
 */
export const EXIT = {
  ok: 0,
  error: 1,
  changes: 2,
  invalidConfig: 3,
  refused: 4,
  leaseHeld: 5,
  planStale: 6,
  partlyApplied: 7,
  deadline: 9,
} as const;

/** The typed code with `--detailed-exitcode`, else 1. */
export function failure(code: number, detailed: boolean | undefined): number {
  return detailed ? code : EXIT.error;
}

/** Which typed failure a problem is. */
export function exitCodeOf(problemCode: string): number {
  switch (problemCode) {
    case 'lease-held':
      return EXIT.leaseHeld;
    case 'plan-stale':
      return EXIT.planStale;
    case 'mass-delete':
    case 'protected':
    case 'not-approved':
      return EXIT.refused;
    default:
      return EXIT.error;
  }
}
