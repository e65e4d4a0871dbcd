import { setTimeout as pause } from 'node:timers/promises';
import { doneIn, on } from './load.js';
import type { Place } from './place.js';

/** iperf3's server takes one client at a time, and whoever looks whether the relay listens is one, for a moment. */
const BULK_TRIES = 10;
const BULK_PAUSE_MS = 200;
export const LOAD_CPU = 0;
/** Below those that the kernel gives to connections (`net.ipv4.ip_local_port_range`), of which a bench uses many. */
export const BULK_PORT = 27_002;
export const ANSWER_PORT = 27_003;
export const IPERF_PORT = 27_004;

/** What came through in one run: per second, and in all. */
interface Run {
  readonly perSecond: number;
  readonly total: number;
  /** How long half of the messages took at most, and 99 of 100, in µs, where they have been timed. */
  readonly p50?: number;
  readonly p99?: number;
}

export interface Test {
  readonly what: string;
  readonly unit: string;
  readonly perUnit: string;
  readonly target: number;
  /** On packets as small as a tunnel's, between namespaces; absent: on loopback. */
  readonly onPath?: true;
  /** One run against a port. */
  run(host: string, port: number, seconds: number, from: Place): Promise<Run>;
}

/** @param load the program (load/load.c). */
export function testsWith(load: string): readonly Test[] {
  const toBulk = { unit: 'GB/s', perUnit: 'ms CPU/GB', target: BULK_PORT } as const;
  const toAnswerer = { unit: '/s', perUnit: 'ms CPU', target: ANSWER_PORT } as const;
  const toEcho = { unit: '/s', perUnit: 'ms CPU', target: BULK_PORT } as const;
  return [
    { ...toBulk, what: 'bulk, 1 stream', run: bulk(load, 1) },
    { ...toBulk, what: 'bulk, 64 streams', run: bulk(load, 64) },
    { ...toBulk, what: 'bulk by iperf3, 1 stream', target: IPERF_PORT, run: iperf3(1) },
    { ...toAnswerer, what: 'short connections', run: requests('close') },
    { ...toAnswerer, what: 'small messages, 64 connections', run: requests(null) },
    { ...toEcho, what: 'round trips, 64 connections', run: talk(load, 64) },
    { ...toEcho, what: 'round trips, 1 connection', run: talk(load, 1) },
    { ...toBulk, what: 'bulk by packets of 1480 B, 1 stream', onPath: true, run: bulk(load, 1) },
  ];
}

/** From the far side to the client. */
function bulk(load: string, streams: number): Test['run'] {
  return async (host, port, seconds, { there }) => {
    const argv = [...there, load, 'read', host, `${port}`, `${streams}`, `${seconds * 1_000}`];
    const { bytes, ms } = doneIn(await on(LOAD_CPU, argv));
    return { perSecond: bytes / 1e6 / ms, total: bytes / 1e9 };
  };
}

/** Messages of 64 B, each sent once the one before is back, and each timed. */
function talk(load: string, connections: number): Test['run'] {
  return async (host, port, seconds, { there }) => {
    const argv = [...there, load, 'talk', host, `${port}`, `${connections}`, `${seconds * 1_000}`];
    const { done, ms, p50, p99 } = doneIn(await on(LOAD_CPU, argv));
    return { perSecond: (done / ms) * 1_000, total: done, p50, p99 };
  };
}

/** iperf3(1), as `bulk`. It takes more of the processor that it shares with its server than the relay has to do. */
function iperf3(streams: number): Test['run'] {
  return async (host, port, seconds, { there }) => {
    const argv = ['-c', host, '-p', `${port}`, '-P', `${streams}`, '-t', `${seconds}`, '-R', '-J'];
    for (let tries = 1; ; tries += 1) {
      const { end, error } = JSON.parse(await on(LOAD_CPU, [...there, 'iperf3', ...argv])) as Iperf;
      const sum = end?.sum_received;
      if (sum !== undefined) return { perSecond: sum.bits_per_second / 8e9, total: sum.bytes / 1e9 };
      if (tries === BULK_TRIES) throw new Error(`iperf3: ${error ?? 'it says nothing of what it received'}`);
      await pause(BULK_PAUSE_MS);
    }
  };
}

interface Iperf {
  readonly end?: { readonly sum_received?: { readonly bytes: number; readonly bits_per_second: number } };
  readonly error?: string;
}

/** wrk(1): 64 connections, each asking again once it is answered; `close`: on a new one. */
function requests(connection: 'close' | null): Test['run'] {
  return async (host, port, seconds, { there }) => {
    const header = connection === null ? [] : ['-H', `Connection: ${connection}`];
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/`;
    const said = await on(LOAD_CPU, [...there, 'wrk', '-t1', '-c64', `-d${seconds}s`, ...header, url]);
    const total = Number(/(\d+) requests in/.exec(said)?.[1]);
    return { perSecond: Number(/Requests\/sec: +([\d.]+)/.exec(said)?.[1]), total };
  };
}
