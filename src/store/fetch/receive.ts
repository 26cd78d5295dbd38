import { setTimeout as pause } from 'node:timers/promises';
import { lettingIn, type Handling } from '../../domain/login.ts';
import { ProblemError } from '../../domain/problem.ts';
import { refuseIfStopped, stopped } from '../hash/file.ts';
import { ask, Stalled, type Answer } from '../http/exchange.ts';
import { judge, webPage, wrongSize, type Part } from '../http/judge.ts';
import { pauseAfter } from '../../domain/backoff.ts';
import { isUntrusted, reasonOf, TryAgain } from '../http/retry.ts';
import { sizeText, timeText } from '../words.ts';
import { askedOf, joined, unlessPage, type Course } from './course.ts';

/**
 * Receives a file to its end, over as many connections as that takes. Gives up only after several tries in a row that
 * brought nothing. Throws a ProblemError; what was received stays in the spool.
 */
export async function receive(course: Course): Promise<void> {
  const { spool, tuning } = course;
  for (let failures = 0; ;) {
    const before = spool.length();
    const failed = await attempt(course);
    if (failed === null) return;
    failures = spool.length() > before ? 0 : failures + 1;
    if (failures >= tuning.tries || (failed.again.waitMs ?? 0) > tuning.longestWaitMs) throw gaveUp(course, failed, failures);
    await waitFor(course, failed, failures);
  }
}

const HANDLING: Handling<Answer> = { refusal: (answer) => answer, discard: (answer) => answer.discard() };

interface Failed {
  readonly again: TryAgain;
  readonly host: string;
}

/** One connection. null: the file is whole. Throws what no further try will mend. */
async function attempt(course: Course): Promise<Failed | null> {
  const { spool, io, download } = course;
  if (spool.length() === course.bytes()) return null;
  refuseIfStopped(io.signal);
  const broken = new AbortController();
  spool.onFailure((error) => broken.abort(error));
  let host = new URL(download.url).host;
  try {
    const headers = course.rangeHeaders();
    const asked = askedOf(course, headers);
    const signal = AbortSignal.any([io.signal, broken.signal]);
    const options = { signal, env: course.env, stallMs: course.tuning.stallMs, what: download.what };
    const send = (more: Readonly<Record<string, string>>): Promise<Answer> =>
      ask(download.url, { ...options, headers: { ...download.headers, ...more, ...headers } });
    const answer = await lettingIn(download.login, send, HANDLING, signal);
    host = answer.host;
    await accept(course, answer, () => judge(answer, asked, Date.now()), broken);
  } catch (error) {
    await spool.settle();
    if (io.signal.aborted) throw stopped(io.signal);
    const again = againAfter(course, host, broken.signal.aborted ? broken.signal.reason : error);
    if (again.distrust) await course.distrust();
    return { again, host };
  }
  await spool.settle();
  const total = course.bytes();
  return total === null || spool.length() === total ? null : { again: new TryAgain('ended the file too early'), host };
}

async function accept(course: Course, answer: Answer, judged: () => Part, broken: AbortController): Promise<void> {
  let part: Part;
  try {
    part = judged();
    await course.begin(answer, part);
  } catch (error) {
    answer.discard();
    throw error;
  }
  const { spool } = course;
  const total = course.bytes();
  const room = total === null ? null : total - spool.length();
  const excess = (): void => broken.abort(wrongSize(course.download, answer.host, null, total ?? 0));
  const sink = joined(spool, spool.length() - part.from, room, excess);
  const page = (): void => broken.abort(webPage(course.download.what, answer.host));
  await answer.pour(part.from === 0 ? unlessPage(sink, page) : sink);
  broken.signal.throwIfAborted(); // the last bytes may have come before anybody could stop them
}

/** Throws unless another try may do better. */
function againAfter({ download }: Course, host: string, error: unknown): TryAgain {
  if (error instanceof ProblemError) throw error;
  if (error instanceof TryAgain) return error;
  if (error instanceof Stalled) return new TryAgain('sends nothing any more');
  if (!isUntrusted(error)) return new TryAgain(reasonOf(error));
  throw new ProblemError(
    {
      code: 'download-failed',
      summary: `${download.what} could not be fetched: the certificate of ${host} is not trusted (${reasonOf(error)}).`,
      fix: 'If a certificate of your own company is missing, name its file in NODE_EXTRA_CA_CERTS.',
    },
    error,
  );
}

async function waitFor(course: Course, { again, host }: Failed, failures: number): Promise<void> {
  const { io, tuning, download } = course;
  const own = pauseAfter(failures, tuning.firstPauseMs, tuning.longestPauseMs, Math.random());
  const ms = Math.max(own, again.waitMs ?? 0);
  const from = sizeText(course.spool.length());
  // Said anew as it passes: whoever looks at any moment reads how long it is then.
  for (let left = ms; left > 0; left -= SAY_MS) {
    io.note?.(`${download.what}: ${host} ${again.message}; trying again in ${timeText(left)}, from ${from} on.`);
    await pause(Math.min(left, SAY_MS), undefined, { signal: io.signal }).catch(() => refuseIfStopped(io.signal));
  }
  io.note?.('');
}

/** How often a wait says how much of it is left, in milliseconds. */
const SAY_MS = 1000;

function gaveUp({ download, spool }: Course, { again, host }: Failed, failures: number): ProblemError {
  const kept = `The ${sizeText(spool.length())} that were fetched are kept.`;
  const wait = again.waitMs === null ? '' : ` It asks to be left alone for ${timeText(again.waitMs)}.`;
  const times = failures > 1 ? `, ${failures} times in a row` : '';
  const token = download.tokenVariable;
  return new ProblemError(
    {
      code: again.tooOften ? 'download-too-often' : 'download-failed',
      summary: `${download.what} could not be fetched: ${host} ${again.message}${times}.${wait} ${kept}`,
      fix:
        again.tooOften && token !== undefined
          ? `Wait, or set ${token} (who signs in may ask more often), then run the command again: it goes on where it stopped.`
          : 'Check the network and that the server is well, then run the command again: it goes on where it stopped.',
    },
    again,
  );
}
