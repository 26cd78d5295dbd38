import type { Omitted } from './body.ts';

/** Slack takes 3000 characters in a block. */
const MOST = 3000;
const SHOWN_PROBLEMS = 5;

interface SlackBody {
  readonly text: string;
  readonly blocks: readonly object[];
}

/** An event as a message for people: `text` for notifications, `blocks` for the channel. */
export function slackBody(event: Readonly<Record<string, unknown>>, omitted: Omitted): SlackBody {
  const title = `${word(event['stack'])}: ${word(event['message'])}`;
  const lines = [title, ...problemLines(event['problems']), ...omittedLines(omitted)];
  const foot = [word(event['type']), word(event['at'])].join(' · ');
  return {
    text: fit(title),
    blocks: [
      // Verbatim: names that look like addresses or channels are not made into links.
      { type: 'section', text: { type: 'mrkdwn', text: fit(lines.join('\n')), verbatim: true } },
      { type: 'context', elements: [{ type: 'mrkdwn', text: fit(foot), verbatim: true }] },
    ],
  };
}

function word(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function problemLines(problems: unknown): readonly string[] {
  if (!Array.isArray(problems)) return [];
  const lines = problems.slice(0, SHOWN_PROBLEMS).map((one: unknown) => `• ${problemLine(one as Readonly<Record<string, unknown>>)}`);
  const more = problems.length - SHOWN_PROBLEMS;
  return more > 0 ? [...lines, `• ${more} more`] : lines;
}

function problemLine({ summary, place }: Readonly<Record<string, unknown>>): string {
  const { file, line } = (place ?? {}) as { readonly file?: unknown; readonly line?: unknown };
  const where = typeof file === 'string' ? `${file}${typeof line === 'number' ? `:${line}` : ''}: ` : '';
  return `${where}${word(summary)}`;
}

function omittedLines({ same, lost }: Omitted): readonly string[] {
  return [
    ...(same > 0 ? [`${same} more like it since the last one.`] : []),
    ...(lost > 0 ? [`${lost} earlier ${lost === 1 ? 'event' : 'events'} could not be sent here.`] : []),
  ];
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Escaped as Slack wants it, and cut: never within a character, or what stands for one. */
function fit(text: string): string {
  let result = '';
  for (const character of text) {
    const next = ESCAPES[character] ?? character;
    if (result.length + next.length > MOST - 1) return `${result}…`;
    result += next;
  }
  return result;
}
