import { createRequire } from 'node:module';
import { badRequest, HttpError } from './errors.ts';

/** A chat template, ready to write a prompt from its variables. */
export type ChatTemplate = (variables: Readonly<Record<string, unknown>>) => string;

/** The library's surface that is used here. */
interface Jinja {
  readonly Template: new (source: string) => { render(variables: Readonly<Record<string, unknown>>): string };
}

/** What llama-server takes for a model without a template. */
const CHATML =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/**
 * Compiles a Jinja chat template ('': ChatML). The template language comes from @huggingface/jinja, which is taken from
 * where node-llama-cpp has it: it is only ever needed together with it. A template that is no Jinja fails when it is
 * used, so that plain completions still work.
 */
export function loadTemplate(source: string): ChatTemplate {
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
      return template.render(variables);
    } catch (error) {
      // Templates refuse conversations that their model never saw: two user messages in a row, a system message.
      throw badRequest(`the model's chat template refuses this conversation: ${messageOf(error)}`, 'messages');
    }
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
