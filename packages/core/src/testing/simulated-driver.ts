import { err, ok, type Result, ResultAsync } from 'neverthrow';
import type { ConfigOf, TunnelConfig, TunnelType } from '../config/model.js';
import type { BackendDriver } from '../contracts.js';
import type { DriverError, LinkReading } from '../facts.js';
import type { Faults } from './faults.js';
import type { Link } from './link.js';
import { abortOf, sleep } from './sleep.js';
import type { World } from './world.js';

interface Operation<T> {
  readonly name: string;
  readonly fails: number;
  /** What it does to the host. */
  readonly act: () => void;
  readonly answer: () => Result<T, DriverError>;
}

/** How late a driver that is deaf to its signal answers at most. */
const DEAF_AT_MOST_MS = 20_000;

/** Interfaces of this type exist by themselves: the driver only makes use of them. */
const GIVEN: TunnelType = 'external';

/** A driver over the world's links, with the world's faults. */
export function simulatedDriver<T extends TunnelType>(type: T, world: World): BackendDriver<T> {
  const run = <R>(
    tunnel: ConfigOf<T>,
    signal: AbortSignal,
    operation: (link: Link, faults: Faults) => Operation<R>,
  ) => {
    const link = world.linkOf(tunnel, type === GIVEN);
    const faults = { ...world.faults, ...link.faults };
    if (world.prng.chance(faults.throws / 2)) throw new Error('a simulated driver threw');
    return new ResultAsync(exclusive(world, tunnel, () => operate(world, faults, signal, operation(link, faults))));
  };
  return {
    type,
    up: (tunnel, signal) =>
      run(
        tunnel,
        signal,
        (link, faults): Operation<LinkReading> => ({
          name: 'up',
          fails: faults.raiseFails,
          act: () => {
            if (type !== GIVEN) world.appear(link.iface);
            link.routed = link.present;
          },
          answer: () =>
            link.present ? ok(link.reading(world.clock.now())) : err({ kind: 'interface_missing', iface: link.iface }),
        }),
      ),
    down: (tunnel, signal) =>
      run(
        tunnel,
        signal,
        (link, faults): Operation<void> => ({
          name: 'down',
          fails: faults.lowerFails,
          act: () => {
            if (type !== GIVEN) world.vanish(link.iface);
            link.routed = false;
          },
          answer: () => ok(undefined),
        }),
      ),
    inspect: (tunnel, signal) =>
      run(
        tunnel,
        signal,
        (link, faults): Operation<LinkReading> => ({
          name: 'inspect',
          fails: faults.inspectFails,
          act: () => undefined,
          answer: () => ok(link.reading(world.clock.now())),
        }),
      ),
    repair: (tunnel, signal) =>
      run(tunnel, signal, (link, faults): Operation<readonly string[]> => {
        const missing = link.present && !link.routed ? [`rules of ${link.iface}`] : [];
        return {
          name: 'repair',
          fails: faults.inspectFails,
          act: () => {
            link.routed = link.present;
          },
          answer: () => ok(missing),
        };
      }),
  };
}

async function operate<T>(
  world: World,
  faults: Faults,
  signal: AbortSignal,
  operation: Operation<T>,
): Promise<Result<T, DriverError>> {
  const { prng, clock } = world;
  if (prng.chance(faults.throws / 2)) throw new Error('a simulated driver rejected');
  const fails = prng.chance(operation.fails);
  const takesEffect = prng.chance(faults.halfHappens);
  const late = prng.chance(faults.deaf) ? prng.between(1, DEAF_AT_MOST_MS) : 0;
  const [least, most] = faults.operationTime;
  const length = prng.between(least, most);
  if (prng.chance(faults.hangs)) await abortOf(signal);
  else await sleep(clock, length, operation.name, signal);
  if (signal.aborted) {
    await sleep(clock, late, operation.name);
    if (takesEffect) operation.act();
    return late > 0 && takesEffect ? operation.answer() : err({ kind: 'aborted' });
  }
  if (!fails || takesEffect) operation.act();
  return fails
    ? err({ kind: 'command_failed', argv: ['ip', operation.name], exitCode: 2, stderr: 'simulated failure' })
    : operation.answer();
}

/** Counts operations that run at once on one tunnel or one interface: the gateway must never cause it. */
async function exclusive<T>(world: World, { name, iface }: TunnelConfig, run: () => Promise<T>): Promise<T> {
  const keys = [`tunnel ${name}`, `interface ${iface}`];
  if (keys.some((key) => world.busy.has(key))) world.overlaps += 1;
  for (const key of keys) world.busy.add(key);
  try {
    return await run();
  } finally {
    for (const key of keys) world.busy.delete(key);
  }
}
