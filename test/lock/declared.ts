import { readConfig, readOverlays } from '../../src/config/index.ts';
import type { Desired } from '../../src/domain/desired.ts';
import type { WholeStack } from '../../src/lock/index.ts';
import { hash } from './sample.ts';

/** One llmops.yaml, without an environment and with each. The text must be right. */
export function declared(text: string): WholeStack {
  const input = { file: 'llmops.yaml', bytes: new TextEncoder().encode(text), folderName: 'stack', hash };
  const { desired, problems } = readConfig({ ...input, environment: null });
  if (desired === null) throw new Error(JSON.stringify(problems, null, 2));
  return { base: desired, overlays: readOverlays(input) };
}

/** The stack with the environment, or without one. */
export function withEnvironment({ base, overlays }: WholeStack, environment: string | null): Desired {
  return environment === null ? base : overlays.find((overlay) => overlay.environment === environment)!;
}
