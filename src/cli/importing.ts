import { Argument } from 'commander';
import { NO_COLOR } from './flag-values.ts';
import type { AddVerb } from './program.ts';

/** Declares `llmops import`. */
export function importing(verb: AddVerb): void {
  verb(
    'import',
    "write llmops.yaml from a running server or another tool's file",
    [
      'llmops import ollama',
      'llmops import ollama http://box:11434 --out box.yaml',
      'llmops import llama-swap ~/llama-swap/config.yaml --dry-run',
      'llmops import compose --stdout',
    ],
    () => import('./import.ts'),
  )
    .addArgument(new Argument('<source>', 'what to read').choices(['ollama', 'llama-server', 'vllm', 'llama-swap', 'compose', 'litellm']))
    .addArgument(new Argument('[from]', 'address of the server, or path of the file (`-`: standard input); default: where it usually is'))
    .option('-o, --out <file>', 'where to write (default: llmops.yaml); an existing file is never overwritten')
    .option('--stdout', 'print the file instead of writing it')
    .option('--dry-run', 'write nothing; say what would be taken over and what not')
    .option('--json', 'the report as JSON')
    .option('--no-color', NO_COLOR);
}
