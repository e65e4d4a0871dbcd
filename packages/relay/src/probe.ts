import type { Millis, PortProbe, PortProtocol } from '@hurricane/core';
import type { ResultAsync } from 'neverthrow';
import type { Endpoint, Way, Ways } from './contracts.js';
import { PROBE_INTERVAL, PROBE_LIMIT } from './limits.js';
import type { Nonces } from './nonces.js';

/** Why a knock was not sent. `reason` is a sentence for people, without its full stop. */
export interface KnockError {
  readonly reason: string;
}

/**
 * Sends bytes from a tunnel's address, out through that tunnel's interface and no other way, to a port of ours.
 *
 * Both addresses are this machine's, and the kernel delivers what goes from one to the other by itself unless the
 * socket is bound to the interface. UDP: one datagram. TCP: a connection that begins with the bytes. Resolves once it
 * has been sent, or could not be; what becomes of it is seen where it arrives.
 */
export type Knock = (how: KnockOptions) => ResultAsync<void, KnockError>;

export interface KnockOptions {
  readonly protocol: PortProtocol;
  readonly from: Pick<Way, 'iface' | 'address'>;
  readonly to: Endpoint;
  readonly bytes: Uint8Array;
  readonly signal: AbortSignal;
}

export interface ProbeOptions {
  readonly protocol: PortProtocol;
  /** Where the mapping listens. */
  readonly at: Endpoint;
  readonly ways: Ways;
  readonly nonces: Nonces;
  readonly knock: Knock;
  /** Default: `PROBE_LIMIT`. */
  readonly limit?: Millis;
}

/** Looks whether a mapped port can be reached: out through another tunnel of ours, and in through its own. */
export async function probeMapping(options: ProbeOptions): Promise<PortProbe> {
  const { protocol, at, ways, nonces, limit = PROBE_LIMIT } = options;
  const from = vantageFor(at.address, ways.now());
  const what = `${protocol} port ${at.port} of ${at.address}`;
  if (from === null)
    return unknown(at, 'No other tunnel is up and well, and from here alone nobody can look in from outside.');
  const nonce = nonces.expect(from.address);
  if (nonce === null) return unknown(at, 'Other probes are under way. Try again in a few seconds.');
  const sent = performance.now();
  const over = new AbortController();
  // Not `AbortSignal.timeout` within `AbortSignal.any`, which the garbage collector takes with its timer.
  const late = setTimeout(() => over.abort(), limit);
  const outcome = await Promise.race([
    nonce.arrived.then(() => 'arrived' as const),
    knockUntil(over.signal, options, from, nonce.bytes),
  ]);
  clearTimeout(late);
  over.abort();
  nonce.forget();
  const latency = performance.now() - sent;
  const seen = { address: at.address, vantage: from.tunnel };
  if (outcome === 'arrived') {
    const note = `Sent out through tunnel ${from.tunnel}, it arrived at ${what} in ${Math.round(latency)} ms.`;
    return { finding: 'reachable', ...seen, latency, note };
  }
  if (outcome !== 'late') return unknown(at, `It could not be sent through tunnel ${from.tunnel}: ${outcome.reason}.`);
  const note =
    `Sent out through tunnel ${from.tunnel}, nothing arrived at ${what} within ${limit / 1_000} s: ` +
    'something on the way in drops it.';
  return { finding: 'unreachable', ...seen, latency: null, note };
}

/** The best of the others that is well. */
function vantageFor(address: string, ways: readonly Way[]): Way | null {
  return ways.find((way) => way.liveness === 'alive' && way.address !== address) ?? null;
}

/** One that is lost on the way says nothing, so that it is sent again until the time is up. */
async function knockUntil(
  over: AbortSignal,
  { protocol, at, knock }: ProbeOptions,
  from: Way,
  bytes: Uint8Array,
): Promise<'late' | KnockError> {
  while (!over.aborted) {
    const again = pause(PROBE_INTERVAL, over);
    const knocked = await knock({ protocol, from, to: at, bytes, signal: over });
    if (knocked.isErr()) return knocked.error;
    await again;
  }
  return 'late';
}

/** Or until it is aborted. */
function pause(length: Millis, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (over.aborted) return resolve();
    const timer = setTimeout(resolve, length);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    over.addEventListener('abort', end, { once: true });
  });
}

function unknown(at: Endpoint, note: string): PortProbe {
  return { finding: 'unknown', address: at.address, vantage: null, latency: null, note };
}
