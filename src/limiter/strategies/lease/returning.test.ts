import { describe, expect, it } from 'vitest';
import { ReturningUsers } from './returning.ts';

const usersWho = (takes: readonly number[], { users, window = 0 }: { users: number; window?: number }) => {
  const returning = new ReturningUsers();
  for (let user = 0; user < users; user++)
    for (let take = 1; take <= (takes[user % takes.length] ?? 0); take++) returning.note(take, window);
  return returning;
};

describe('users who come again', () => {
  it.each([
    { title: 'are most while few came', takes: [1], users: 99, areMost: true },
    { title: 'are not most where all came once', takes: [1], users: 100, areMost: false },
    { title: 'are most where every second came again', takes: [1, 2], users: 100, areMost: true },
    { title: 'are counted once however often they come', takes: [1, 1, 9], users: 300, areMost: false },
  ])('$title', ({ takes, users, areMost }) => {
    expect(usersWho(takes, { users }).areMost).toBe(areMost);
  });

  it('are forgotten by half in each window', () => {
    const returning = usersWho([1], { users: 150 });
    returning.note(3, 1);
    expect(returning.areMost).toBe(true);
  });
});
