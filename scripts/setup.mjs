// Brings everything this repository needs into node_modules, once. Runs on any Node from 18 on, with nothing installed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'node_modules', '.llmops-setup');
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(`${process.platform}-${process.arch}`)
  .digest('hex');

/** True if the last complete set-up was made from this very lock file. */
function isSetUp() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
}

/** Runs `npm ci` without install scripts, keeping its warnings (they are about the machine's older Node) off the screen unless it fails. */
function install() {
  return new Promise((resolve) => {
    const started = Date.now();
    let interrupted = false;
    let output = '';
    const npm = spawn('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    npm.stdout.on('data', (chunk) => (output += chunk));
    npm.stderr.on('data', (chunk) => (output += chunk));
    const sign = setInterval(() => process.stderr.write(`  still installing, ${Math.round((Date.now() - started) / 1000)} s\n`), 5000);
    npm.on('error', (error) => done(error.message));
    npm.on('exit', (code, signal) => done(code === 0 ? null : `npm ci ended with ${signal ?? `exit code ${code}`}`));
    // Half an installation is worse than none: npm is told, and waited for, while it takes back what it did.
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.on(name, () => {
        if (!interrupted) process.stderr.write('\nInterrupted: waiting for npm to clear up.\n');
        interrupted = true;
        npm.kill('SIGINT');
      });
    }
    function done(failure) {
      clearInterval(sign);
      if (interrupted) {
        process.stderr.write('Cleared up. Type the command again to set up.\n');
        process.exit(130);
      }
      if (failure) {
        process.stderr.write(
          `${output}\nSet-up failed: ${failure}.\nNothing outside node_modules was changed. Mend the cause above and run the command again.\n`,
        );
        return resolve(false);
      }
      writeFileSync(stamp, wanted);
      process.stderr.write(`Set up in ${Math.round((Date.now() - started) / 1000)} s.\n`);
      resolve(true);
    }
  });
}

if (!isSetUp()) {
  process.stderr.write('Setting up (once): installing 200 packages from the lock file into node_modules, a pinned Node among them.\n');
  if (!(await install())) process.exit(1);
}
