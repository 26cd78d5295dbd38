import type { StepIo } from '../../domain/backend.ts';
import type { ObservedInstance } from '../../domain/observed.ts';
import type { StepOf } from '../../domain/plan.ts';
import { ProblemError, problemOf, type Problem } from '../../domain/problem.ts';
import { countCrashes, RESTARTS } from '../../domain/backoff.ts';
import { throwIfCancelled } from './clock.ts';
import { lastLines, whyEnded } from './ended.ts';
import { TRANSIENT } from './engine.ts';
import { callJson } from './http.ts';
import { logTail } from './logs.ts';
import { observeFound } from './observe.ts';
import { findOne, recordOf, wordsOf, type Parts } from './parts.ts';
import { settingNotInForce } from './readback.ts';
import { startInstance } from './start.ts';

const EVERY_MS = 50;
/** So many answers in a row that are none of this engine's: it will not become one. While it loads it says 503, which is not among them. */
const GARBLED_AT_MOST = 20;
/** Codes of answers that come from something that listens and does not speak this engine's language. */
const GARBLED: ReadonlySet<string> = new Set(['engine-garbled', 'engine-refused-request']);

/**
 * Waits until an instance answers, makes it generate one token, reads its settings back. A crash that may pass is
 * started again with growing pauses; any other end fails at once, with the engine's own last words. A copy that fails is left as it
 * is, with record and log: stopping it is a step of its own, see `onFailure`.
 */
export async function probeInstance(step: StepOf<'probe'>, parts: Parts, io: StepIo): Promise<void> {
  const serving = await waitUntilReady(step, parts, io);
  const problem = settingNotInForce(step.spec, serving, { compare: parts.engine.compare, tolerated: step.tolerates });
  if (problem) throw new ProblemError(problem);
  const record = recordOf(step.spec.id, parts);
  if (record) parts.records.put({ ...record, wasReady: true });
}

async function waitUntilReady(step: StepOf<'probe'>, parts: Parts, io: StepIo): Promise<ObservedInstance> {
  const { spec, deadlineMs } = step;
  const began = parts.clock.now();
  const crashes = countCrashes(RESTARTS);
  let startedAt = began;
  let last = 'it was not there';
  let garbled = 0;
  while (parts.clock.now() - began < deadlineMs) {
    throwIfCancelled(io.signal, `waiting for ${spec.model}`);
    const found = await findOne(spec.id, parts);
    if (!found?.leader) {
      await restartAfter(await deathOf(step, parts), crashes.next(parts.clock.now() - startedAt), step, parts, io);
      startedAt = parts.clock.now();
      continue;
    }
    const seen = await observeFound(found, parts, io.signal);
    if (seen.phase === 'serving') {
      const failure = await generateOneToken(
        seen,
        parts.engine.headers?.(wordsOf(found.leader)) ?? {},
        deadlineMs - (parts.clock.now() - began),
        io.signal,
      );
      if ((await findOne(spec.id, parts))?.leader?.pid !== found.leader.pid) continue; // it died of the request: told as a death
      if (failure === null) return seen;
      throw new ProblemError(failure);
    }
    garbled = GARBLED.has(seen.problem?.code ?? '') ? garbled + 1 : 0;
    if (seen.problem && (garbled >= GARBLED_AT_MOST || seen.problem.code === 'setting-not-in-force'))
      throw new ProblemError({ ...seen.problem, details: lastLines(logTail(seen.logFile)) });
    last = seen.phase === 'starting' ? 'it was still loading weights' : (seen.problem?.summary ?? 'it did not answer');
    io.progress(seen.phase === 'starting' ? 'loading weights' : 'waiting for an answer');
    await parts.clock.sleep(EVERY_MS, io.signal);
  }
  throw new ProblemError(tooLate(step, last, recordOf(spec.id, parts)?.logFile ?? null));
}

async function deathOf(step: StepOf<'probe'>, parts: Parts): Promise<Problem> {
  const record = recordOf(step.spec.id, parts);
  if (record) return whyEnded(record, parts);
  return {
    severity: 'error',
    code: 'instance-gone',
    summary: `${step.spec.model} (${step.spec.id}) is not there: it was stopped, or never started.`,
    fix: 'Run `llmops plan` to see how things stand.',
  };
}

/** Starts a crashed copy again after a pause; throws why it died if that will not help. */
async function restartAfter(death: Problem, pauseMs: number | null, step: StepOf<'probe'>, parts: Parts, io: StepIo): Promise<void> {
  if (!TRANSIENT.has(death.code) || (death.code === 'port-taken' && (parts.engine.fixedPort?.(step.spec) ?? null) !== null))
    throw new ProblemError(death);
  if (pauseMs === null)
    throw new ProblemError({ ...death, summary: `${death.summary} It was started ${RESTARTS.giveUpAfter + 1} times and ended each time.` });
  io.progress(`starting again after: ${death.summary}`);
  await parts.clock.sleep(death.code === 'port-taken' ? 0 : pauseMs, io.signal);
  await startInstance(step.spec, parts, io);
}

/** null: it generated; otherwise why not. A server can say that it is healthy and hang on the first token. */
async function generateOneToken(
  seen: ObservedInstance,
  headers: Readonly<Record<string, string>>,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<Problem | null> {
  try {
    const body = { model: seen.model, prompt: 'Hello', max_tokens: 1, temperature: 0 };
    const answer = await callJson(`${seen.endpoint}/v1/completions`, {
      method: 'POST',
      body,
      headers,
      deadlineMs: Math.max(1, deadlineMs),
      signal,
    });
    if (isCompletion(answer)) return null;
    return {
      severity: 'error',
      code: 'probe-failed',
      summary: `${seen.model} answered a completion with no text in it: ${JSON.stringify(answer).slice(0, 160)}`,
      details: lastLines(logTail(seen.logFile)),
    };
  } catch (error) {
    const problem = problemOf(error);
    if (problem.code === 'cancelled' || problem.code === 'internal') throw error;
    return {
      severity: 'error',
      code: 'probe-failed',
      summary: `${seen.model} says that it is healthy and did not generate a token: ${problem.summary}`,
      fix: `The whole log: ${seen.logFile}`,
      details: lastLines(logTail(seen.logFile)),
    };
  }
}

/** An answer with status 200 can still be an error, or hold nothing. An empty text is one: the first token may end the answer. */
function isCompletion(answer: Readonly<Record<string, unknown>>): boolean {
  const { error, choices } = answer;
  const first: unknown = Array.isArray(choices) ? choices[0] : null;
  const isObject = first !== null && typeof first === 'object';
  return (error === undefined || error === null) && isObject && 'text' in first && typeof first.text === 'string';
}

function tooLate(step: StepOf<'probe'>, last: string, logFile: string | null): Problem {
  return {
    severity: 'error',
    code: 'probe-timeout',
    summary: `${step.spec.model} did not serve within ${step.deadlineMs / 1000} s; when last seen, ${last}.`,
    fix: logFile === null ? 'Run `llmops status`.' : `It was given no more time. The whole log: ${logFile}`,
    details: lastLines(logTail(logFile)),
  };
}
