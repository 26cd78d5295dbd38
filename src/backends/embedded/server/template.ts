import { createRequire } from 'node:module';
import { createContext, Script } from 'node:vm';
import { badRequest, HttpError } from './errors.ts';

/** A chat template, ready to write a prompt from its variables. */
export type ChatTemplate = (variables: Readonly<Record<string, unknown>>) => string;

/** The library's surface that is used here. */
interface Jinja {
  readonly Template: new (source: string) => { render(variables: Readonly<Record<string, unknown>>): string };
}

/** Thousands of messages take a tenth of a second with templates that go through them once. */
const RENDER_MS = 2000;

/** What llama-server takes for a model without a template. */
const CHATML =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/**
 * Compiles a Jinja chat template ('': ChatML). The template language comes from @huggingface/jinja, which is taken from
 * where node-llama-cpp has it: it is only ever needed together with it. A template that is no Jinja fails when it is
 * used, so that plain completions still work. `limitMs`: how long one conversation may take.
 */
export function loadTemplate(source: string, limitMs = RENDER_MS): ChatTemplate {
  const require = createRequire(createRequire(import.meta.url).resolve('node-llama-cpp'));
  const { Template } = require('@huggingface/jinja') as Jinja;
  let template: InstanceType<typeof Template>;
  try {
    template = new Template(source === '' ? CHATML : source);
  } catch (error) {
    const unreadable = new HttpError(501, 'not_supported_error', `the model's chat template cannot be read: ${messageOf(error)}`);
    return () => {
      throw unreadable;
    };
  }
  return (variables) => {
    try {
      return within(limitMs, () => template.render(variables));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
        throw badRequest(`the model's chat template takes longer than ${limitMs / 1000} s for this conversation`, 'messages');
      // Templates refuse conversations that their model never saw: two user messages in a row, a system message.
      throw badRequest(`the model's chat template refuses this conversation: ${messageOf(error)}`, 'messages');
    }
  };
}

const CALL = new Script('act()');

/** Ends work that takes too long: a template is a program, and may look at every message for each message. */
function within<T>(limitMs: number, act: () => T): T {
  return CALL.runInContext(createContext({ act }), { timeout: limitMs }) as T;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
