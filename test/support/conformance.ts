import { fileURLToPath } from 'node:url';

const top = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The official suite as a program. It judges what answers at `url`. */
export function conformanceSuite(url: string, options: readonly string[]): readonly string[] {
  const suite = top('node_modules/@modelcontextprotocol/conformance/dist/index.js');
  const preload = top('test/support/conformance-on-node-20.mjs');
  return [process.execPath, '--import', preload, suite, 'server', '--url', url, ...options];
}

/** Whether a single scenario was met: something was checked, and nothing failed. */
export function isMetIn(output: string): boolean {
  return /^Passed: ([1-9]\d*)\/\1, 0 failed/m.test(output);
}

/** Of a run of many, how many were met. */
export function scenariosMetIn(output: string): number {
  return output.match(/^✓ [\w-]+: [1-9]\d* passed, 0 failed/gm)?.length ?? 0;
}
