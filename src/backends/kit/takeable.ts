import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { Phase } from '../../domain/observed.ts';
import type { Problem } from '../../domain/problem.ts';
import type { Claimed } from './engine.ts';
import { staleness } from './held-weights.ts';
import { listensOn } from './listeners.ts';
import type { Parts } from './parts.ts';
import type { ProcessEntry } from './process-table.ts';
import { serviceOf } from './surroundings.ts';
import { formerOwnerOf, ownerOf } from './taken-over.ts';
import { clause } from '../../domain/text.ts';

/** Programs that start engines, end them and start them again, as they see fit. */
const KEEPERS = /^(ollama|llama-swap|llama-server|lms|lmstudio|ramalama|localai|gpustack)(\.exe)?$/i;

/** A process of somebody else's that serves a file of weights. */
export interface Stranger {
  readonly entry: ProcessEntry;
  readonly claimed: Claimed;
  /** Absolute path; null: it does not tell. */
  readonly file: string | null;
}

/** How it was found when it was asked. */
export interface Standing {
  readonly phase: Phase;
  readonly problem: Problem | null;
}

/** What stands in the way. */
export interface Obstacle {
  /** To be used within a sentence. */
  readonly why: string;
  /** True: it may go by itself. */
  readonly passing: boolean;
}

/** So long after its start a process may not listen yet. */
const YOUNG_MS = 60_000;

/** True for a process that was started just now. */
export function isYoung({ startedAt }: ProcessEntry): boolean {
  return startedAt !== null && Date.now() - Date.parse(startedAt) < YOUNG_MS;
}

/** What is known beside the process itself. */
export interface Around {
  readonly entries: readonly ProcessEntry[];
  readonly parts: Parts;
}

/** Why a process cannot be taken over; null: only its settings decide. */
export function obstacleOf(stranger: Stranger, standing: Standing, around: Around): Obstacle | null {
  const lasting = lastingObstacle(stranger, around);
  if (lasting !== null) return { why: lasting, passing: false };
  const { phase, problem } = standing;
  const isHeard = listensOn([stranger.entry.pid], stranger.claimed.port) !== false;
  if (phase === 'starting') return { why: 'is still loading its weights', passing: true };
  if (!isHeard) return { why: `does not listen on port ${stranger.claimed.port} itself`, passing: false };
  const said = problem === null ? '' : `: ${clause(problem.summary)}`;
  return phase === 'serving' ? null : { why: `does not answer${said}`, passing: true };
}

function lastingObstacle({ entry, claimed, file }: Stranger, { entries, parts }: Around): string | null {
  const { pid, parent } = entry;
  const { obstacle } = claimed;
  const stack = ownerOf(entry, entries, parts);
  if (stack !== null) return `belongs to stack ${stack}, which took it over`;
  const above = entries.find((each) => each.pid === parent);
  const keeper = above?.args
    .slice(0, 2)
    .map((word) => basename(word))
    .find((name) => KEEPERS.test(name));
  if (above !== undefined && keeper !== undefined) return `belongs to ${keeper} (pid ${above.pid}), which starts and ends it`;
  if (obstacle !== null) return obstacle;
  if (isAnotherUsers(pid)) return "is another user's, as whom a new start would not run";
  return file === null ? null : staleness(entry, file);
}

/** What a person should know before a process is taken over, as a sentence; null: nothing. */
export function warningOf({ entry, claimed: { warning } }: Stranger, around: Around): string | null {
  const unit = serviceOf(entry.pid);
  const service =
    unit === null
      ? null
      : `systemd keeps it running (${unit}) and would start it again beside its successor: \`systemctl disable ${unit}\`, and Restart=no, before its first change`;
  const all = [formerly(entry, around), warning, service ?? keptByScript(entry, around), otherDevices(entry, around)].filter(
    (each) => each !== null,
  );
  return all.length === 0 ? null : `${all.join('; ')}.`;
}

function formerly(entry: ProcessEntry, { entries, parts }: Around): string | null {
  const stack = formerOwnerOf(entry, entries, parts);
  return stack && `stack ${stack} had taken it over, and its state does not know it any more`;
}

/** Shells, also those that someone logged in with (`-bash`). */
const SHELL = /^-?(?:ba|z|da|k|mk|a|c|tc|fi|nu|x|elvi)?sh$/;
/** Options of theirs that take the next word. */
const WITH_WORD = new Set(['--rcfile', '--init-file', '-o', '+o', '-O', '+O']);

/** True for a shell that was told nothing to run: whatever it starts, a person typed. */
function isTypedInto(words: readonly string[]): boolean {
  const [program = '', ...rest] = words;
  if (!SHELL.test(basename(program))) return false;
  const operands = rest.filter((word, index) => !/^[-+]/.test(word) && !WITH_WORD.has(rest[index - 1] ?? ''));
  return operands.length === 0 && !rest.some((word) => /^-[a-z]*c$/i.test(word) || word === '--command');
}

/** A shell that a person types into starts nothing again; a program with words of its own may. */
function keptByScript({ parent }: ProcessEntry, { entries }: Around): string | null {
  const above = parent <= 1 ? undefined : entries.find(({ pid }) => pid === parent);
  if (above === undefined || above.args.length < 2 || isTypedInto(above.args) || /^-?\w*systemd$/.test(basename(above.args[0] ?? '')))
    return null;
  const words = above.args.slice(0, 2).map((word) => basename(word));
  return `${words.join(' ')} (pid ${above.pid}) started it, and may start it again beside its successor: end that before its first change`;
}

/** Which GPUs a program sees. */
const DEVICES = /^(?:CUDA|HIP|ROCR|GGML_VK)_VISIBLE_DEVICES$/;

function otherDevices(entry: ProcessEntry, { parts }: Around): string | null {
  const env = entry.env();
  const others = Object.keys(env).filter((name) => DEVICES.test(name) && env[name] !== parts.context.env[name]);
  const said = others.map((name) => `${name}=${env[name]}`).join(', ');
  return others.length === 0 ? null : `it was started with ${said}, which its next start will not have: declare \`offload.devices\``;
}

function isAnotherUsers(pid: number): boolean {
  const uid = statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;
  return uid !== undefined && process.getuid !== undefined && uid !== process.getuid();
}
