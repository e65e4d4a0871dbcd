// A process with the native engine that comes to its end: node native-process.mjs exit|idle|crash
//   exit: while it listens and its thread sleeps; idle: by itself, with nothing left to do; crash: by an uncaught error
import { EngineInUse } from '../../packages/relay/dist/index.js';

const engine = new EngineInUse({ log: { log: (level, message) => console.log(`${level}: ${message}`) } });
await engine.choose('native');
const listening = await engine.listen({ address: '127.0.0.1', port: 0 }, (leg) => leg.reset());
const SLEEP_MS = 50;

setTimeout(() => {
  if (process.argv[2] === 'exit') process.exit(7);
  if (process.argv[2] === 'crash') throw new Error('nobody catches this');
  void listening._unsafeUnwrap().close();
}, SLEEP_MS);
