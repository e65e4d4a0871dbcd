import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import type { Load } from '../many-tunnels.js';
import type { Row } from '../row.js';

const TUNNELS = 1_000;

/** All have come up, been judged and gone over to regular probing. */
const SETTLE_S = 15;

/** What systemd/v6-gatewayd.service and the daemon itself (thrift.ts) ask of Node. */
const AS_A_SERVICE = ['--max-semi-space-size=4', '--heap-growing-percent=50'];

/** A process that is too busy to answer in this time has missed anyhow. */
const ANSWER_LIMIT_MS = 120_000;

/** In a process of its own, as small as one can be: bundled, without the bench around it. */
export const thousandTunnels: Row = {
  name: 'thousand-tunnels',
  about: 'processor and memory of a gateway with 1,000 tunnels, each probed once a second (simulated host)',
  needs: {},
  measure: async (effort, say) => {
    say('bundling');
    const program = await bundled();
    const loadOf = (what: 'gateway' | 'network'): Promise<Load> => {
      say(`${what}: ${TUNNELS} tunnels for ${SETTLE_S} + ${effort.scaleSeconds} s`);
      const argv = [what, `${TUNNELS}`, `${SETTLE_S}`, `${effort.scaleSeconds}`];
      const limit = (SETTLE_S + effort.scaleSeconds) * 1000 + ANSWER_LIMIT_MS;
      return answerOf(fork(program, argv, { execArgv: AS_A_SERVICE }), limit);
    };
    const load = await loadOf('gateway');
    const network = await loadOf('network');
    const n = `${load.seconds.toFixed(0)} s`;
    const due = TUNNELS * load.seconds;
    return [
      {
        what: `${TUNNELS} simulated tunnels, each probed once a second: of one core`,
        unit: '%',
        values: [load.core * 100],
        goal: [{ of: 'max', atMost: 10 }],
        n,
        anchors: 'dpinger: a process and 4 threads per tunnel; mwan3: 60 tunnels at most [C]',
      },
      {
        what: 'the simulated network alone, with nobody who judges: of one core',
        unit: '%',
        values: [network.core * 100],
        goal: [],
        n,
        anchors: '',
      },
      {
        // Without it, a gateway that falls behind would look cheap.
        what: 'of their probes, not heard of in time',
        unit: '%',
        values: [Math.max(0, 100 * (1 - load.probes / due))],
        goal: [{ of: 'max', atMost: 1 }],
        n: `${due.toFixed(0)} probes`,
        anchors: '',
      },
      {
        what: 'their memory (RSS of the whole process)',
        unit: 'MB',
        values: [load.memory / 1e6],
        goal: [{ of: 'max', atMost: 100 }],
        n,
        anchors: '',
      },
    ];
  },
};

async function bundled(): Promise<string> {
  const outDir = await mkdtemp(join(tmpdir(), 'many-tunnels-'));
  await build({
    config: false,
    silent: true,
    entry: { many: fileURLToPath(new URL('../many-tunnels.ts', import.meta.url)) },
    format: 'esm',
    target: 'node20',
    noExternal: [/./],
    // Its `paths` lead to the sources of the packages.
    tsconfig: fileURLToPath(new URL('../../../tsconfig.json', import.meta.url)),
    outDir,
  });
  await writeFile(join(outDir, 'package.json'), '{"type":"module"}');
  return join(outDir, 'many.js');
}

function answerOf(child: ChildProcess, limit: number): Promise<Load> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the process with ${TUNNELS} tunnels said nothing in ${limit / 1000} s`));
    }, limit);
    child.once('message', (load) => resolve(load as Load));
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(late);
      reject(new Error(`the process with ${TUNNELS} tunnels ended with ${code}`));
    });
  });
}
