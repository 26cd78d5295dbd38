// `npm run bench -- NAME`: each published figure has its command here. Prints medians; ratios come from one run.
const BENCHES: Readonly<Record<string, () => Promise<{ run(): Promise<void> }>>> = {
  cli: () => import('./cli.ts'),
  plan: () => import('./plan.ts'),
  apply: () => import('./apply.ts'),
  download: () => import('./download.ts'),
  import: () => import('./import.ts'),
  daemon: () => import('./daemon.ts'),
  soak: () => import('./soak.ts'),
};

/** A soak lasts for hours, so it is run only if it is named. */
const usual = Object.keys(BENCHES).filter((name) => name !== 'soak');
const wanted = process.argv.slice(2);
for (const name of wanted.length > 0 ? wanted : usual) {
  const bench = BENCHES[name];
  if (!bench) {
    process.stderr.write(`There is no bench ${name}. There are: ${Object.keys(BENCHES).join(', ')}\n`);
    process.exit(1);
  }
  process.stdout.write(`== ${name}\n`);
  await (await bench()).run();
}
