import type { RouteHop } from '@hurricane/core';
import { productIn } from '../../../test/support/product-in.js';
import { type Pop, plainLink } from '../../../test/support/topology.js';
import { KernelWatch } from '../kernel-watch.js';
import { pause, withBed } from '../lab.js';
import { defaultTo } from '../routes.js';
import type { Row } from '../row.js';
import { wallNow } from '../wall.js';

/** A gateway at work asks seldom: the co-process is asleep when it does. */
const PAUSE_MS = 20;

/** The route table alone, between plan and kernel, over two Ethernet links. */
export const routeActive: Row = {
  name: 'route-active',
  about: 'the route table alone: from the plan to the route in the kernel',
  needs: { root: true, tools: ['ip', 'nft'] },
  measure: (effort, say) =>
    withBed({ pops: 2, plain: true }, async (bed) => {
      const kernel = await KernelWatch.start(bed.client);
      const product = productIn(bed.client.name);
      const [a, b] = bed.pops.map(hopOf);
      if (a === undefined || b === undefined) throw new Error('the bed lacks PoPs');
      try {
        const values: number[] = [];
        // The first starts the co-process.
        for (let n = -1; n < effort.routeChanges; n += 1) {
          const [via, standby] = n % 2 === 0 ? [a, b] : [b, a];
          const took = await change(product.routes, kernel, via, standby);
          if (n >= 0) values.push(took);
          say(`route change ${n + 1} of ${effort.routeChanges}`);
        }
        return [
          {
            what: 'decision → route in the kernel, the route table alone',
            unit: 'ms',
            values,
            goal: [{ of: 'p99', atMost: 5 }],
            anchors: 'a spawned `ip` p50 2.8 ms, p99 37 ms [M]',
          },
        ];
      } finally {
        await product.close();
      }
    }),
};

async function change(
  routes: ReturnType<typeof productIn>['routes'],
  kernel: KernelWatch,
  via: RouteHop,
  standby: RouteHop,
): Promise<number> {
  await pause(PAUSE_MS);
  const decided = wallNow();
  const applied = await routes.apply({ via, standbys: [standby] }, new AbortController().signal);
  if (applied.isErr()) throw new Error(`the route table failed: ${JSON.stringify(applied.error)}`);
  const { at } = await kernel.sees(defaultTo(via.iface), decided);
  return at - decided;
}

function hopOf(pop: Pop): RouteHop {
  return { iface: plainLink(pop), source: pop.tunnel.client, gateway: pop.tunnel.server };
}
