import { describe, expect, it } from 'vitest';
import { answerSubject, jobOf, subjectsOf, token } from '../../../src/nats/subjects.ts';

describe('subjects', () => {
  it('have a part for any text, which is another one for each', () => {
    const texts = ['images', 'a.png@200', 'two words', '*', '>', '=', '', 'ä€😀', 'key-a_B-1'];
    for (const text of texts) expect(token(text)).toMatch(/^[\w=-]+$/);
    expect(new Set(texts.map(token)).size).toBe(texts.length);
    expect(token('images')).toBe('images');
  });

  it('of two queues are never the same', () => {
    const names = ['a', 'a.jobs', 'a b', '=YQ'].map((queue) => subjectsOf(queue).jobs);
    expect(new Set(names).size).toBe(names.length);
  });

  it('name the job and its client in the subject for the answer, whatever the prefix of inboxes', () => {
    const subject = answerSubject('team.j.inbox.1', 17);
    expect(jobOf(subject)).toEqual({ inbox: 'team.j.inbox.1', number: 17 });
    for (const other of ['_INBOX.x.y', '_INBOX.x.1', '_INBOX.j.x', '_INBOX.j.', '_INBOX.j.-1', ''])
      expect(jobOf(other)).toBeNull();
  });
});
