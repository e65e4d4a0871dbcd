import { EngineInUse, FlowTable } from '@hurricane/relay';

// node relay.js PORT TARGET stream|native: an engine by itself, from [::1]:PORT to 127.0.0.1:TARGET.

const [port = 0, target = 0] = process.argv.slice(2).map(Number);
const wish = process.argv[4] === 'native' ? 'native' : 'stream';
const to = { address: '127.0.0.1', port: target };
const CONNECT_LIMIT_MS = 10_000;

const engine = new EngineInUse({ log: { log: (_, message) => console.error(message) } });
await engine.choose(wish);
if (engine.name !== wish) throw new Error(`the ${wish} engine cannot be had here`);
const flows = new FlowTable({ ways: { now: () => [], onChange: () => () => undefined }, now: () => 0 });

const listening = await engine.listen({ address: '::1', port }, (near) => {
  const opened = flows.open({ kind: 'tcp', origin: 'bench', client: near.remote, target: to, tunnel: null });
  if (opened.isErr()) return near.reset();
  const flow = opened.value;
  engine.connect({ to, source: null, timeout: CONNECT_LIMIT_MS }).match(
    (far) => void engine.join(near, far, flow),
    () => {
      near.reset();
      flow.closed('reset');
    },
  );
});
if (listening.isErr()) throw new Error(listening.error.kind);
