import type { Message, Place, World, WorldSettings } from './world.ts';

/** The messages with one more; where there is no room, each way to lose one. */
export function withMessage(
  messages: readonly Message[],
  message: Message,
  { inFlight }: WorldSettings,
): { messages: readonly Message[]; lost: string }[] {
  if (messages.some((other) => isSame(other, message))) return [{ messages, lost: '' }];
  if (messages.length < inFlight) return [{ messages: [...messages, message], lost: '' }];
  return [
    { messages, lost: ' (lost)' },
    ...messages.map((lost) => ({
      messages: [...messages.filter((other) => other !== lost), message],
      lost: ` (lost: ${describe(lost)})`,
    })),
  ];
}

function isSame(a: Message, b: Message): boolean {
  if (a.lostTicks !== b.lostTicks || a.message.sentAtUs !== b.message.sentAtUs) return false;
  if (a.message.lease !== b.message.lease || a.message.seq !== b.message.seq) return false;
  if (a.type === 'request' && b.type === 'request') {
    const { used, returned, want } = b.message;
    return a.message.used === used && a.message.returned === returned && a.message.want === want;
  }
  if (a.type === 'request' || b.type === 'request') return false;
  const { granted, account } = b.message;
  return a.isAcked === b.isAcked && a.message.granted === granted && a.message.account === account;
}

export function allAcked(world: World): World {
  const acked = eachPlace(world, (place) => ({
    ...place,
    messages: place.messages.map((sent) => (sent.type === 'reply' ? { ...sent, isAcked: true } : sent)),
  }));
  return { ...acked, replica: world.home };
}

export function withoutUnacked(world: World, { switches }: WorldSettings): World {
  if (!switches.grantsAreAcked) return world;
  return eachPlace(world, (place) => ({
    ...place,
    messages: place.messages.filter((sent) => sent.type === 'request' || sent.isAcked),
  }));
}

export function describe(sent: Message): string {
  const { lease, seq } = sent.message;
  if (sent.type === 'request') {
    const { used, returned, want } = sent.message;
    return `request ${lease}.${seq} {want ${want}, used ${used}, returned ${returned}}`;
  }
  const { account, granted } = sent.message;
  const what = account === 'open' ? `granted ${granted}` : account;
  return `reply ${lease}.${seq} {${what}}${sent.isAcked ? '' : ' unacked'}`;
}

export const name = (at: number) => String.fromCharCode(65 + at);

export const replace = (world: World, at: number, place: Place): World => ({
  ...world,
  places: world.places.map((other, index) => (index === at ? place : other)),
});

const eachPlace = (world: World, change: (place: Place) => Place): World => ({
  ...world,
  places: world.places.map(change),
});
