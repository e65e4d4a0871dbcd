import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { pass, waitFor } from '../../../test/support/wait-for.js';
import type { ConnectError, Endpoint, Leg, Listening, Route } from './contracts.js';
import { closeAll, deaf } from './engine-contract.test-support.js';
import { handRoute, type Lead, ledListener } from './lead-to.test-support.js';
import { client, connecting, echo, endOf, HOST, program } from './loopback.test-support.js';
import { inlineTrial, nativeIsMissing, nativeTrial } from './native/trial.test-support.js';
import type { NativeEngine } from './native-engine.js';
import { IDLE_LIMITS } from './stream-join.js';

// What holds where an engine leads connections on by itself, beyond what mappings see of it.

const missing = await nativeIsMissing();

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await closeAll();
});

for (const [name, start] of [
  ['in its thread', nativeTrial],
  ['in one thread', inlineTrial],
] as const)
  describe.skipIf(missing !== null)(
    `a route of the native engine ${name}${missing === null ? '' : ` (skipped: ${missing})`}`,
    () => {
      let trial: { readonly engine: NativeEngine; close(): Promise<void> };
      beforeAll(async () => {
        trial = (await start({ ...IDLE_LIMITS, sweep: 10 })) as typeof trial;
      });
      afterAll(() => trial.close());

      interface Stage {
        readonly listening: Listening;
        readonly leads: Lead[];
        readonly asked: Leg[];
        readonly to: Endpoint;
        route(parts: Partial<Route>): Route;
      }

      /** A listener whose route leads to a program that echoes. */
      async function stage(parts: Partial<Route> = {}): Promise<Stage> {
        const here = await program(echo);
        const [leads, asked]: [Lead[], Leg[]] = [[], []];
        const route = (others: Partial<Route>): Route => handRoute(here, (lead) => void leads.push(lead), others);
        const listening = await ledListener(trial, route(parts), (leg) => void asked.push(leg));
        if (!('local' in listening)) throw new Error(listening.kind);
        closing.push(
          () => listening.close(),
          here.close,
          () => asked.forEach((leg) => leg.reset()),
          () => leads.forEach(({ flow }) => flow.abort('stopped')),
        );
        return { listening, leads, asked, to: here, route };
      }

      it('asks nobody', async () => {
        const { listening, leads, asked } = await stage();

        const socket = await client(listening.local);
        await waitFor(() => leads.length === 1, 2_000, 'it to be told');

        expect(asked).toEqual([]);
        socket.destroy();
      });

      it('hands over what comes from an address that is excepted, and all once it is taken away', async () => {
        const { listening, leads, asked, route } = await stage({ except: ['::1', HOST] });
        const sockets = [await client(listening.local)];
        await waitFor(() => asked.length === 1, 2_000, 'it to be handed over');

        listening.lead?.(route({ except: ['127.0.0.9', '2001:db8::1'] }));
        sockets.push(await client(listening.local));
        await waitFor(() => leads.length === 1, 2_000, 'it to be led on');
        listening.lead?.(null);
        sockets.push(await client(listening.local));
        await waitFor(() => asked.length === 2, 2_000, 'it to be handed over');

        expect(leads).toHaveLength(1);
        for (const socket of sockets) socket.destroy();
      });

      it('hands over what there is no room for, and leads on again when there is', async () => {
        let room = 3;
        let told = (): number => 0;
        const { listening, leads, asked } = await stage({ room: () => room - told() });
        told = () => leads.length;
        const sockets = await Promise.all(Array.from({ length: 10 }, () => client(listening.local)));
        await waitFor(() => leads.length + asked.length === 10, 2_000, 'all to be told');

        expect(leads).toHaveLength(3);
        room = 20;
        // Whatever is told next tells of it: here, one that ends.
        sockets.forEach((socket) => socket.destroy());
        await waitFor(() => leads.every(({ flow }) => flow.told.ends.length === 1), 2_000, 'those to end');
        await waitFor(
          async () => {
            const socket = await client(listening.local);
            await pass(15);
            socket.destroy();
            return leads.length > 3;
          },
          2_000,
          'one to be led on',
        );
      });

      it('resets what must not be, as soon as it is told', async () => {
        const { listening } = await stage({ begun: () => null });

        expect(await endOf(connecting(listening.local))).toBe('ECONNRESET');
      });

      it('gives up in time on a target that does not answer, and at once when it is cut', async () => {
        const failed: ConnectError[] = [];
        const silent = await deaf();
        const begun = (cuts: boolean) => (_: Endpoint, cut: (how: 'stopped') => void) => {
          if (cuts) cut('stopped');
          return { count: () => {}, closed: (end: string) => void ends.push(end), failed: failedWith };
        };
        const ends: string[] = [];
        const failedWith = (error: ConnectError): void => void failed.push(error);
        const late = await stage({ to: silent, timeout: 100, begun: begun(false) });
        const cut = await stage({ to: silent, timeout: 60_000, begun: begun(true) });

        const lateEnd = endOf(connecting(late.listening.local));
        const cutEnd = endOf(connecting(cut.listening.local));

        expect([await lateEnd, await cutEnd]).toEqual(['ECONNRESET', 'ECONNRESET']);
        await waitFor(() => failed.length + ends.length === 2, 2_000, 'both to be told');
        expect(failed).toEqual([{ kind: 'timed_out' }]);
        expect(ends).toEqual(['stopped']);
      });

      it('is told of before its port is free, and what goes through goes on', async () => {
        const { listening, leads } = await stage();
        const through = async (): Promise<Socket> => {
          const socket = await client(listening.local);
          socket.write('x');
          await once(socket, 'data');
          return socket;
        };
        // The first is told of at once, those that follow soon together.
        const sockets = [await through(), await through(), await through()];

        await listening.close();

        expect(leads.map(({ flow }) => flow.told.ends)).toEqual([[], [], []]);
        for (const socket of sockets) {
          socket.write('still here');
          expect(String((await once(socket, 'data'))[0])).toBe('still here');
          socket.destroy();
        }
      });
    },
  );
