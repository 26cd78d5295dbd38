/** Prints what failed in a vitest JSON report: a line for each test, and what it said, shortened. Usage: failures.mjs REPORT */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const LINES_OF_MESSAGE = 12;

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
for (const file of report.testResults) {
  const name = relative(process.cwd(), file.name);
  const failed = file.assertionResults.filter((test) => test.status === 'failed');
  for (const test of failed) tell(`${name} > ${test.fullName}`, test.failureMessages.join('\n'));
  // A file that could not be loaded, or whose hooks failed, has no failed test of its own.
  if (file.status === 'failed' && failed.length === 0) tell(name, file.message);
}

/** One failure: where it was, then the first lines of its message, indented. */
function tell(title, message) {
  console.log(title);
  for (const line of message.split('\n').slice(0, LINES_OF_MESSAGE)) console.log(`  ${line}`);
}
