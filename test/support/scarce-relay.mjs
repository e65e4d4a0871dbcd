// Relays every connection to a port of 127.0.0.1: node scarce-relay.mjs PORT SPARE ENGINE [leading]
// SPARE descriptors are taken beforehand: with one more or less, it is accept(2) or socket(2) that has none first.
// Meant to be run with few descriptors; says its own port, and how often it ran out of them.
import { openSync } from 'node:fs';
import { EngineInUse, FlowTable } from '../../packages/relay/dist/index.js';

const to = { address: '127.0.0.1', port: Number(process.argv[2]) };
const SAID_EVERY_MS = 50;

const engine = new EngineInUse({ log: { log: (level, message) => console.log(`${level}: ${message}`) } });
await engine.choose(process.argv[4]);

for (let i = 0; i < Number(process.argv[3]); i++) openSync('/dev/null');

const flows = new FlowTable({ ways: { now: () => [], onChange: () => () => {} }, now: () => 0 });

async function lead(near) {
  const opened = flows.open({ kind: 'tcp', origin: 'test', client: near.remote, target: to, tunnel: null });
  const flow = opened._unsafeUnwrap();
  const far = await engine.connect({ to, source: null, timeout: 1_000 });
  if (far.isErr()) {
    near.reset();
    flow.closed('reset');
  } else await engine.join(near, far.value, flow);
}

const listening = await engine.listen({ address: '127.0.0.1', port: 0 }, (leg) => void lead(leg));
if (process.argv[5] === 'leading')
  listening._unsafeUnwrap().lead({
    to,
    source: null,
    timeout: 1_000,
    except: [],
    room: () => flows.room,
    begun: (client, cut) => {
      const facts = { kind: 'tcp', origin: 'test', client, target: to, tunnel: null };
      const flow = flows.openAfter(facts, flows.losses, cut)._unsafeUnwrap();
      return { ...flow, failed: () => flow.closed('reset') };
    },
  });
console.log(`listening on port ${listening._unsafeUnwrap().local.port}`);
setInterval(() => console.log(`flows ${flows.size} shortages ${engine.shortages}`), SAID_EVERY_MS);
