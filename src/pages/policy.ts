/**
 * What becomes of a call while an earlier one runs. No two calls of one `useTask` ever run at the same time.
 *
 * | policy    | the call that runs            | the new call                                    | for                               |
 * | --------- | ----------------------------- | ----------------------------------------------- | --------------------------------- |
 * | `restart` | is cancelled                  | begins when the other one has cleaned up        | searching, loading what is shown  |
 * | `latest`  | goes on                       | waits; takes the place of one that waits        | saving, previews                  |
 * | `queue`   | goes on                       | waits; all of them run in the order of the calls | messages, changes of a list      |
 * | `drop`    | goes on                       | is cancelled before it begins                   | buttons, payments                 |
 *
 * The default is `restart`.
 */
export type TaskPolicy = 'restart' | 'latest' | 'queue' | 'drop';

/** A policy in numbers. */
export interface Rule {
  /** Whether a new call cancels the one that runs. */
  readonly cancels: boolean;
  /** Whether a new call is refused while one runs or waits that was not cancelled. */
  readonly refuses: boolean;
  /** How many calls may wait; those that have waited longest make room. */
  readonly room: number;
  /** Whether what a call brings is shown although a newer one waits. */
  readonly showsOlder: boolean;
}

// A call that was cancelled and still cleans up is waited for under every policy. Otherwise `drop` would refuse what a component starts when
// React's StrictMode mounts it for the second time.
export const RULES: Readonly<Record<TaskPolicy, Rule>> = {
  restart: { cancels: true, refuses: false, room: 1, showsOlder: false },
  latest: { cancels: false, refuses: false, room: 1, showsOlder: false },
  queue: { cancels: false, refuses: false, room: Number.POSITIVE_INFINITY, showsOlder: true },
  drop: { cancels: false, refuses: true, room: 1, showsOlder: false },
};
