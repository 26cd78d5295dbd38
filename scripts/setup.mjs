// Brings everything this repository needs into node_modules, once. Runs on any Node from 18 on, with nothing installed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

/** npm takes half a minute to take back what it did. Nobody waits for that: the next set-up begins by clearing node_modules. */
const GRACE_MS = 1500;
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/** Ends npm and all that it started. It is the head of a group of its own, so that Ctrl-C reaches it through us alone. */
function end(npm, signal) {
  try {
    process.kill(-npm.pid, signal);
  } catch {
    npm.kill(signal); // it ended just now
  }
}

/** What an interrupted set-up left. */
function whatIsLeft() {
  const folder = join(root, 'node_modules');
  const entries = existsSync(folder) ? readdirSync(folder).length : 0;
  return entries === 0
    ? 'Nothing is left in node_modules.'
    : `node_modules holds a part of it (${entries} ${entries === 1 ? 'entry' : 'entries'}).`;
}

/** Runs `npm ci` without install scripts, keeping its warnings (they are about the machine's older Node) off the screen unless it fails. */
function install() {
  return new Promise((resolve) => {
    const started = Date.now();
    let interrupted = null;
    let output = '';
    // Before npm begins: a signal that comes first would end us and leave npm at work.
    for (const name of Object.keys(EXIT_CODES)) {
      process.on(name, () => {
        if (interrupted !== null) return end(npm, 'SIGKILL');
        interrupted = name;
        clearInterval(sign);
        process.stderr.write(`\nInterrupted: npm has ${GRACE_MS / 1000} s to end. Ctrl-C once more ends it at once.\n`);
        end(npm, 'SIGINT');
        setTimeout(() => end(npm, 'SIGKILL'), GRACE_MS).unref();
      });
    }
    const npm = spawn('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    npm.stdout.on('data', (chunk) => (output += chunk));
    npm.stderr.on('data', (chunk) => (output += chunk));
    const sign = setInterval(() => process.stderr.write(`  still installing, ${Math.round((Date.now() - started) / 1000)} s\n`), 5000);
    npm.on('error', (error) => done(error.message));
    npm.on('exit', (code, signal) => done(code === 0 ? null : `npm ci ended with ${signal ?? `exit code ${code}`}`));
    function done(failure) {
      clearInterval(sign);
      if (interrupted !== null && failure !== null) {
        end(npm, 'SIGKILL'); // what it started may outlive it
        process.stderr.write(`Not set up. ${whatIsLeft()}\nType the command again: it starts afresh.\n`);
        process.exit(EXIT_CODES[interrupted]);
      }
      if (failure) {
        process.stderr.write(
          `${output}\nSet-up failed: ${failure}.\nNothing outside node_modules was changed. Mend the cause above and run the command again.\n`,
        );
        return resolve(false);
      }
      writeFileSync(stamp, wanted);
      process.stderr.write(`Set up in ${Math.round((Date.now() - started) / 1000)} s.\n`);
      if (interrupted !== null) process.exit(EXIT_CODES[interrupted]);
      resolve(true);
    }
  });
}

if (!isSetUp()) {
  process.stderr.write('Setting up (once): installing 200 packages from the lock file into node_modules,\na pinned Node among them.\n');
  if (!(await install())) process.exit(1);
}
