import { createApp } from '@hurricane/http';
import { serve } from '@hurricane/http/node';
import { aStatus, aTunnel, heTunnel } from '../../packages/http/src/testing-status.test-support.js';

// The API in a process of its own, so that its memory is its own: started with `--expose-gc` and a channel to its
// parent (api-process.ts). Tells its port; answers every message with what it holds after a collection.

/** As many tunnels as a large site has. */
const TUNNELS = 16;

const collect = (globalThis as { readonly gc?: () => void }).gc;
const status = aStatus(Array.from({ length: TUNNELS }, (_, i) => aTunnel({ config: heTunnel(`t${i}`, `he${i}`) })));
const onDefect = (defect: unknown): void => {
  process.send?.({ defect: String(defect) });
};
const app = createApp({ gateway: { status: () => status }, version: '1', onDefect });
const listening = await serve({ app, bind: '127.0.0.1', port: 0, onDefect });

process.on('message', async () => {
  // Pages that a collection frees are given back by another thread, a little later.
  for (let i = 0; i < 10; i += 1) {
    collect?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  process.send?.({ rss, held: heapUsed + external });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port: listening.isOk() ? listening.value.port : null });
