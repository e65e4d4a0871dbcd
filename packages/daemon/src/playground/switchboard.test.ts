import { errAsync, okAsync, type ResultAsync } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import type { PlaygroundError } from './problems.js';
import { type Deed, Switchboard } from './switchboard.js';

describe('the switchboard', () => {
  it('cuts and restores once, however often it is asked', async () => {
    const { stage, calls } = recordingStage();
    const deeds: Deed[] = [];
    const switchboard = new Switchboard(stage, (deed) => deeds.push(deed));
    await switchboard.restore('north');
    await switchboard.cut('north');
    await switchboard.cut('north');
    await switchboard.toggle('north');
    await switchboard.restore('north');

    expect(calls).toEqual(['cut north', 'restore north']);
    expect(deeds.map(({ what, provider }) => [what, provider])).toEqual([
      ['cut', 'north'],
      ['restored', 'north'],
    ]);
  });

  it('does one thing after the other, in the order it was asked', async () => {
    const { stage, calls } = recordingStage();
    const switchboard = new Switchboard(stage, () => undefined);

    await Promise.all([switchboard.toggle('north'), switchboard.toggle('north'), switchboard.cut('south')]);

    expect(calls).toEqual(['cut north', 'restore north', 'cut south']);
  });

  it('names the providers there are when asked for another', async () => {
    const { stage, calls } = recordingStage();

    const refused = await new Switchboard(stage, () => undefined).cut('east');

    expect(refused._unsafeUnwrapErr()).toEqual({
      kind: 'unknown_provider',
      name: 'east',
      known: ['north', 'south'],
    });
    expect(calls).toEqual([]);
  });

  it('holds a provider for uncut when cutting it failed, and goes on', async () => {
    const failing = errAsync<void, PlaygroundError>({ kind: 'command_failed', argv: ['ip'], said: '' });
    const { stage, calls } = recordingStage();
    let attempts = 0;
    const flaky = { ...stage, cut: (name: string) => (attempts++ === 0 ? failing : stage.cut(name)) };
    const switchboard = new Switchboard(flaky, () => undefined);

    const [first, second] = [await switchboard.cut('north'), await switchboard.cut('north')];

    expect([first.isOk(), second.isOk()]).toEqual([false, true]);
    expect(calls).toEqual(['cut north']);
  });
});

function recordingStage() {
  const calls: string[] = [];
  const act =
    (verb: string) =>
    (provider: string): ResultAsync<void, PlaygroundError> =>
      okAsync(undefined).andThen(() => {
        calls.push(`${verb} ${provider}`);
        return okAsync(undefined);
      });
  return { stage: { cut: act('cut'), restore: act('restore') }, calls };
}
