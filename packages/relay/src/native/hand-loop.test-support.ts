import { IDLE_LIMITS } from '../stream-join.js';
import { Loop } from './loop.js';
import type { LoopOutside } from './loop-outside.js';
import type { Command, News } from './protocol.js';
import type { Sys } from './sys.js';
import { realSys } from './trial.test-support.js';

export interface HandLoop {
  readonly loop: Loop;
  /** Heard at its next turn. */
  readonly commands: Command[];
  readonly news: News[];
  close(): void;
}

/** A loop that a test turns by hand. `change`: calls that are others than the kernel's. */
export async function handLoop(
  change: (sys: Sys) => Partial<Sys> = () => ({}),
  parts: Partial<LoopOutside> = {},
): Promise<HandLoop> {
  const sys = await realSys();
  const commands: Command[] = [];
  const news: News[] = [];
  const loop = new Loop(
    { ...sys, ...change(sys) },
    {
      limits: { ...IDLE_LIMITS, sweep: 10 },
      pollFor: 0,
      commands: () => commands.splice(0),
      isAsked: () => commands.length > 0,
      mayDoze: () => false,
      awake: () => {},
      hears: () => {},
      tell: (told) => void news.push(...told),
      ...parts,
    },
  );
  const close = (): void => {
    loop.close();
    sys.close(loop.wake);
  };
  return { loop, commands, news, close };
}
