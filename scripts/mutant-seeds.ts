// Plays seeds against the core whose testing entry is named, and says a line for each that failed.
// Started by mutants.ts; its own process, because a mutant may crash or hang.

const [entry = '', seeds = '0', minutes = '0', purity = ''] = process.argv.slice(2);
const { simulate } = (await import(entry)) as typeof import('../packages/core/src/testing/index.js');

let escaped: unknown = null;
process.on('unhandledRejection', (cause) => {
  escaped = cause;
});
for (let seed = 1; seed <= Number(seeds); seed += 1) {
  escaped = null;
  const { failures } = await simulate(seed, Number(minutes), { checkPurity: purity === 'purity' });
  const first = failures[0] ?? (escaped === null ? null : `escaped: ${String(escaped)}`);
  if (first !== null) console.log(`seed ${seed}: ${first}`);
}
console.log('done');
