import { dockerfile } from './container.ts';
import { refuseUnwritable, type ServiceFacts, type ServiceKind } from './facts.ts';
import { launchdPlist } from './launchd.ts';
import { systemdUnit } from './systemd.ts';

export { serviceName, type ServiceFacts, type ServiceKind } from './facts.ts';

const WRITERS: Readonly<Record<ServiceKind, (facts: ServiceFacts) => string>> = {
  systemd: systemdUnit,
  launchd: launchdPlist,
  container: dockerfile,
};

/** A file with which a service manager runs the daemon of a stack, ready to be saved. Throws a ProblemError if no file can say it. */
export function serviceFile(kind: ServiceKind, facts: ServiceFacts): string {
  refuseUnwritable(facts);
  return WRITERS[kind](facts);
}
