import { execFile } from 'node:child_process';
import { Agent, get } from 'node:http';
import { promisify } from 'node:util';

/** What one run of wrk says. */
export interface Load {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** wrk(1): connections kept alive, each asking again as soon as it is answered. */
const CONNECTIONS = 16;
const SECONDS = 1;
const COMMAND_LIMIT_MS = 15_000;

const MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000 };

/** Asks as fast as it is answered. Rejects without wrk (Debian package wrk), and when anything but 200 came. */
export async function hammer(url: string): Promise<Load> {
  const argv = ['-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, '--latency', url];
  const { stdout } = await promisify(execFile)('wrk', argv, { timeout: COMMAND_LIMIT_MS });
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${url}: ${stdout}`);
  const latency = (share: number): number => {
    const [, value = '', unit = ''] = new RegExp(`^ +${share}% +([\\d.]+)(us|ms|s)$`, 'm').exec(stdout) ?? [];
    return Number.parseFloat(value) * (MS[unit] ?? Number.NaN);
  };
  return {
    perSecond: Number.parseFloat(/^Requests\/sec: +([\d.]+)$/m.exec(stdout)?.[1] ?? ''),
    p50: latency(50),
    p99: latency(99),
  };
}

/** Asks `rate` times a second, and resolves to what each took from the moment it was due, in milliseconds. */
export async function pace(url: string, rate: number, count: number): Promise<readonly number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const took: Promise<number>[] = [];
  const started = performance.now();
  while (took.length < count) {
    const due = started + (took.length * 1_000) / rate;
    if (performance.now() >= due) took.push(ask(url, agent, due));
    else await new Promise((resolve) => setImmediate(resolve));
  }
  const all = await Promise.all(took);
  agent.destroy();
  return all;
}

function ask(url: string, agent: Agent, due: number): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      response.resume().on('end', () => resolve(performance.now() - due));
    }).on('error', reject);
  });
}
