import { describe, expect, it } from 'vitest';
import { answerSubject, jobOf, subjectsOf, textOf, token } from '../../../src/nats/subjects.ts';

describe('subjects', () => {
  it('have a part for any text, which can be read again', () => {
    for (const text of ['images', 'a.png@200', 'two words', '*', '>', '=', '', 'ä€😀', 'key-a_B-1']) {
      expect(token(text)).toMatch(/^[\w=-]+$/);
      expect(textOf(token(text))).toBe(text);
    }
    expect(token('images')).toBe('images');
  });

  it('of two queues are never the same', () => {
    const names = ['a', 'a.jobs', 'a b', '=YQ'].map((queue) => subjectsOf(queue).jobs);
    expect(new Set(names).size).toBe(names.length);
  });

  it('name the job and its client in the subject for the answer, whatever the prefix of inboxes', () => {
    const subject = answerSubject('team.j.inbox.1', 'a.png@200');
    expect(jobOf(subject)).toEqual({ inbox: 'team.j.inbox.1', job: 'a.png@200' });
    expect(jobOf('_INBOX.x.y')).toBeNull();
    expect(jobOf('')).toBeNull();
  });
});
