import type { Plan } from '../domain/plan.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit.ts';
import { packageInfo } from './package-info.ts';
import { schemaPath } from './schema-path.ts';
import { print, printJson } from './screen.ts';

/** What saved plans and `plan --json` are written in. */
const PLAN_FORMAT: Plan['formatVersion'] = '1.0';

/** `llmops version`: what a bug report should begin with. */
export async function run(context: CliContext, flags: { readonly json?: boolean; readonly schema?: boolean }): Promise<number> {
  const { version } = packageInfo();
  const schema = schemaPath();
  if (flags.schema) {
    await print(context.stdout, schema);
    return EXIT.ok;
  }
  const platform = `${process.platform}-${process.arch}`;
  if (flags.json)
    await printJson(context.stdout, { llmops: version, node: process.versions.node, planFormat: PLAN_FORMAT, platform, schema });
  else
    await print(
      context.stdout,
      `llmops ${version}\nNode ${process.versions.node}\nplan format ${PLAN_FORMAT}\n${platform}\nschema ${schema}`,
    );
  return EXIT.ok;
}
