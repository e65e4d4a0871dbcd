import { err, ok, type Result } from 'neverthrow';

/** Where Linux keeps the groups of this machine: group(5). */
export const GROUP_FILE = '/etc/group';

/** The number of a group by its name, as the text of /etc/group says. Errs when there is none. */
export function groupId(name: string, text: string): Result<number, 'no_such_group'> {
  for (const line of text.split('\n')) {
    const [found, , id] = line.split(':');
    if (found === name && id !== undefined && /^[0-9]{1,10}$/.test(id)) return ok(Number(id));
  }
  return err('no_such_group');
}
