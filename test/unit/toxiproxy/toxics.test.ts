import { describe, expect, it } from 'vitest';
import { PipeRig } from '../../support/pipe-rig.ts';

const noop = { type: 'noop' };
const latency = (latency: number, jitter = 0) => ({ type: 'latency', attributes: { latency, jitter } });
const bandwidth = (rate: number) => ({ type: 'bandwidth', attributes: { rate } });
const slowClose = (delay: number) => ({ type: 'slow_close', attributes: { delay } });
const timeout = (timeout: number) => ({ type: 'timeout', attributes: { timeout } });
const resetPeer = (timeout: number) => ({ type: 'reset_peer', attributes: { timeout } });
const limitData = (bytes: number) => ({ type: 'limit_data', attributes: { bytes } });
const slicer = (average_size: number, size_variation: number, delay: number) => ({
  type: 'slicer',
  attributes: { average_size, size_variation, delay },
});

describe('a pipe without toxics, or with noop', () => {
  it.each([{ toxics: [] }, { toxics: [noop] }, { toxics: [noop, { ...noop, name: 'more' }] }])(
    'is a pipe that passes the FIN on for its own direction only: $toxics',
    ({ toxics }) => {
      const { log } = new PipeRig(toxics).send(1, 'a').send(2, 'b').end(3);
      expect(log).toEqual([
        [1, 'a'],
        [2, 'b'],
        [3, '<FIN>'],
      ]);
    },
  );

  it('closes the destination for both directions when the source broke', () => {
    const { log } = new PipeRig([]).send(1, 'a').at(2, ({ source }) => source.emit('close'));
    expect(log).toEqual([
      [1, 'a'],
      [2, '<CLOSE>'],
    ]);
  });
});

describe('latency', () => {
  it('delays by its time since the data was received', () => {
    expect(new PipeRig([latency(40)]).send(10, 'a').send(30, 'b').goTo(100).log).toEqual([
      [50, 'a'],
      [70, 'b'],
    ]);
  });

  it('adds up over several, and once only over what waits together', () => {
    const rig = new PipeRig([latency(40), { ...latency(25), name: 'more' }]);
    for (const text of 'abc') rig.send(10, text);
    expect(rig.goTo(200).log).toEqual([
      [75, 'a'],
      [75, 'b'],
      [75, 'c'],
    ]);
  });

  it('keeps the end after delayed data, and does not delay it by itself', () => {
    expect(new PipeRig([latency(40)]).send(10, 'a').end(11).goTo(100).log).toEqual([
      [50, 'a'],
      [50, '<FIN>'],
    ]);
    expect(new PipeRig([latency(40)]).end(11).goTo(100).log).toEqual([[11, '<FIN>']]);
  });

  it('keeps data that came before a broken source', () => {
    const rig = new PipeRig([latency(40)]).send(10, 'a').at(11, ({ source }) => source.emit('close'));
    expect(rig.goTo(100).log).toEqual([
      [50, 'a'],
      [50, '<CLOSE>'],
    ]);
  });

  it('draws whole milliseconds from [-jitter, jitter), evenly, and never lets data overtake', () => {
    const rig = new PipeRig([latency(20, 10)]);
    for (let index = 0; index < 4_000; index++) rig.send(index * 100, String(index % 10));
    const delays = rig.goTo(1e6).log.map(([atMs], index) => atMs - index * 100);
    expect(Math.min(...delays)).toBe(10);
    expect(Math.max(...delays)).toBe(29);
    expect(new Set(delays).size).toBe(20);
    const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
    expect(mean).toBeGreaterThan(19);
    expect(mean).toBeLessThan(20);

    const close = new PipeRig([latency(20, 20)]);
    for (let index = 0; index < 1_000; index++) close.send(index, String(index % 10));
    expect(close.goTo(1e6).text).toBe('0123456789'.repeat(100));
  });

  it('draws the same from the same seed and other numbers from another', () => {
    const times = (seed: number) => {
      const rig = new PipeRig([latency(20, 10)], { seed });
      for (let index = 0; index < 20; index++) rig.send(index * 100, 'a');
      return rig.goTo(1e6).log;
    };
    expect(times(7)).toEqual(times(7));
    expect(times(7)).not.toEqual(times(8));
  });

  it('passes the oldest data on at once when it is updated; the rest waits again from its time of receipt', () => {
    const rig = new PipeRig([latency(100)]).send(0, 'a').send(10, 'b').send(20, 'c');
    expect(rig.update(50, latency(60)).goTo(200).log).toEqual([
      [50, 'a'],
      [70, 'b'],
      [80, 'c'],
    ]);
  });

  it('passes all on at once and in order when it is removed, the end included', () => {
    const rig = new PipeRig([latency(100)]).send(0, 'a').send(10, 'b').end(20).remove(50, 'latency');
    expect(rig.log).toEqual([
      [50, 'a'],
      [50, 'b'],
      [50, '<FIN>'],
    ]);
  });
});

describe('bandwidth', () => {
  it('counts a KB as 1,000 bytes: 200,000 bytes at 100 take 2,000 ms, in slices of 100 ms', () => {
    const { log } = new PipeRig([bandwidth(100)]).send(0, 'x'.repeat(200_000)).goTo(5_000);
    expect(log.map(([atMs]) => atMs)).toEqual(Array.from({ length: 20 }, (_, index) => (index + 1) * 100));
    expect(log.every(([, text]) => text.length === 10_000)).toBe(true);
  });

  it('takes its time for small data too, and earns nothing while idle', () => {
    const rig = new PipeRig([bandwidth(1)]).send(1_000, 'x'.repeat(50)).send(1_010, 'y'.repeat(30));
    expect(rig.goTo(5_000).log.map(([atMs]) => atMs)).toEqual([1_050, 1_080]);
  });

  it('stalls at 0 and delivers what it held when removed, the connection intact', () => {
    const rig = new PipeRig([bandwidth(0)]).send(0, 'a').send(10, 'b').goTo(1e6);
    expect(rig.log).toEqual([]);
    expect(rig.remove(1e6, 'bandwidth').send(1e6 + 1, 'c').text).toBe('abc');
  });

  it('continues after an update with the new rate', () => {
    const rig = new PipeRig([bandwidth(0)]).send(0, 'a'.repeat(100)).send(0, 'b'.repeat(100));
    expect(
      rig
        .update(500, bandwidth(10))
        .goTo(5_000)
        .log.map(([atMs, text]) => [atMs, text[0]]),
    ).toEqual([
      [500, 'a'],
      [510, 'b'],
    ]);
  });
});

describe('slow_close', () => {
  it('holds back the end alone', () => {
    expect(new PipeRig([slowClose(500)]).send(0, 'a').end(10).goTo(1_000).log).toEqual([
      [0, 'a'],
      [510, '<FIN>'],
    ]);
  });

  it('passes the end on when it is removed, and waits again when it is updated', () => {
    expect(new PipeRig([slowClose(500)]).end(10).remove(20, 'slow_close').log).toEqual([[20, '<FIN>']]);
    const updated = new PipeRig([slowClose(500)]).end(10).update(20, slowClose(300)).goTo(1_000);
    expect(updated.log).toEqual([[320, '<FIN>']]);
  });
});

describe('timeout', () => {
  it('swallows data and closes after its time without any', () => {
    const rig = new PipeRig([timeout(300)]);
    for (let atMs = 0; atMs <= 1_400; atMs += 100) rig.send(atMs, 'a');
    expect(rig.goTo(1_699).log).toEqual([]);
    expect(rig.goTo(1_700).log).toEqual([[1_700, '<CLOSE>']]);
  });

  it('closes a connection that never sends data', () => {
    expect(new PipeRig([timeout(300)]).goTo(1_000).log).toEqual([[300, '<CLOSE>']]);
  });

  it('never closes at 0, but lets the end through', () => {
    const rig = new PipeRig([timeout(0)]).send(0, 'a').goTo(1e9);
    expect(rig.log).toEqual([]);
    expect(rig.end(1e9).log).toEqual([[1e9, '<FIN>']]);
  });

  it('closes the connection it touched when it is removed, and spares one that toxicity spared', () => {
    expect(new PipeRig([timeout(0)]).send(0, 'a').remove(5, 'timeout').log).toEqual([[5, '<CLOSE>']]);
    const spared = new PipeRig([{ ...timeout(0), toxicity: 0 }])
      .send(0, 'a')
      .remove(5, 'timeout')
      .send(6, 'b');
    expect(spared.text).toBe('ab');
  });
});

describe('reset_peer', () => {
  it.each([
    { title: 'the first data', trigger: (rig: PipeRig) => rig.send(100, 'a') },
    { title: 'the end', trigger: (rig: PipeRig) => rig.end(100) },
  ])('waits for $title, then its time, then resets a connection opened under it', ({ trigger }) => {
    const rig = new PipeRig([resetPeer(20)]).goTo(99);
    trigger(rig);
    expect(rig.send(110, 'more').goTo(1_000).log).toEqual([[120, '<RST>']]);
  });

  it('closes with FIN a connection that was there before', () => {
    const rig = new PipeRig([]).send(0, 'a').add(10, resetPeer(20)).send(20, 'b').goTo(100);
    expect(rig.log).toEqual([
      [0, 'a'],
      [40, '<CLOSE>'],
    ]);
  });

  it('leaves an idle connection alone', () => {
    expect(new PipeRig([resetPeer(0)]).goTo(1e6).log).toEqual([]);
  });

  it('closes after data was lost, though it is updated or removed meanwhile', () => {
    expect(new PipeRig([resetPeer(1_000)]).send(0, 'a').remove(10, 'reset_peer').log).toEqual([
      [10, '<RST>'],
    ]);
    const updated = new PipeRig([resetPeer(1_000)]).send(0, 'a').update(10, resetPeer(30)).goTo(5_000);
    expect(updated.log).toEqual([[40, '<RST>']]);
    const idle = new PipeRig([]).add(0, resetPeer(0)).remove(10, 'reset_peer').send(20, 'a');
    expect(idle.log).toEqual([[20, 'a']]);
  });

  it('makes even an ordinary end a reset, at any toxicity', () => {
    expect(new PipeRig([{ ...resetPeer(0), toxicity: 0 }]).send(0, 'a').end(10).log).toEqual([
      [0, 'a'],
      [10, '<RST>'],
    ]);
  });
});

describe('slicer', () => {
  it('halves until a piece is no longer than average + variation', () => {
    const { log } = new PipeRig([slicer(10, 0, 0)]).send(0, 'x'.repeat(100));
    expect(log.map(([, text]) => text.length)).toEqual([6, 6, 6, 7, 6, 6, 6, 7, 6, 6, 6, 7, 6, 6, 6, 7]);
  });

  it('varies the sizes from its seed and loses nothing', () => {
    const text = Array.from({ length: 1_000 }, (_, index) => index % 10).join('');
    const rig = new PipeRig([slicer(20, 8, 0)]).send(0, text);
    const sizes = rig.log.map(([, slice]) => slice.length);
    expect(rig.text).toBe(text);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(28);
    expect(new Set(sizes).size).toBeGreaterThan(5);
    expect(new PipeRig([slicer(20, 8, 0)]).send(0, text).log).toEqual(rig.log);
  });

  it('waits microseconds between pieces', () => {
    const { log } = new PipeRig([slicer(5, 0, 2_500)]).send(0, 'x'.repeat(20)).goTo(100);
    expect(log.map(([atMs]) => atMs)).toEqual([0, 2.5, 5, 7.5]);
  });

  it('ends at single bytes with an average of 0, where the real server does not end at all', () => {
    expect(new PipeRig([slicer(0, 0, 0)]).send(0, 'abc').log.map(([, text]) => text)).toEqual([
      'a',
      'b',
      'c',
    ]);
  });

  it('passes the remaining data on when it is removed', () => {
    const rig = new PipeRig([slicer(5, 0, 1_000)]).send(0, 'x'.repeat(20)).remove(1, 'slicer');
    expect(rig.text).toBe('x'.repeat(20));
  });
});

describe('limit_data', () => {
  it.each([
    { bytes: 10, sent: ['x'.repeat(16)], delivered: 10 },
    { bytes: 10, sent: ['x'.repeat(10)], delivered: 10 },
    { bytes: 10, sent: ['xxxx', 'xxxx', 'xxxx', 'xxxx'], delivered: 10 },
    { bytes: 0, sent: ['x'], delivered: 0 },
  ])('passes exactly $bytes bytes, then closes: $sent', ({ bytes, sent, delivered }) => {
    const rig = new PipeRig([limitData(bytes)]);
    for (const text of sent) rig.send(0, text);
    expect(rig.text).toBe(`${'x'.repeat(delivered)}<CLOSE>`);
  });

  it('stays open one byte short of it', () => {
    expect(new PipeRig([limitData(10)]).send(0, 'x'.repeat(9)).text).toBe('x'.repeat(9));
  });

  it('continues to count when it is updated', () => {
    const rig = new PipeRig([limitData(10)]).send(0, 'x'.repeat(8)).update(1, limitData(12));
    expect(rig.send(2, 'y'.repeat(8)).text).toBe(`${'x'.repeat(8)}yyyy<CLOSE>`);
  });
});

describe('a chain of toxics', () => {
  it('passes data through all in the order they were added', () => {
    const rig = new PipeRig([latency(40), limitData(3), slowClose(100)]);
    expect(rig.send(0, 'ab').send(10, 'cd').goTo(1_000).log).toEqual([
      [40, 'ab'],
      [50, 'c'],
      [150, '<CLOSE>'],
    ]);
  });

  it('counts the delay of an end from when it has got that far', () => {
    expect(new PipeRig([latency(40), slowClose(100)]).send(0, 'a').end(1).goTo(1_000).log).toEqual([
      [40, 'a'],
      [140, '<FIN>'],
    ]);
  });

  it('drops data that an earlier toxic passes on after a later one has closed', () => {
    const rig = new PipeRig([latency(40), limitData(1)]).send(0, 'a').send(30, 'b').goTo(1_000);
    expect(rig.log).toEqual([
      [40, 'a'],
      [40, '<CLOSE>'],
    ]);
  });

  it('passes the data of a removed toxic to the next one, which counts from the time of receipt', () => {
    const rig = new PipeRig([latency(1_000), { ...latency(50), name: 'next' }]).send(0, 'a');
    expect(rig.remove(20, 'latency').goTo(100).log).toEqual([[50, 'a']]);
  });

  it('keeps order while toxics come and go', () => {
    const rig = new PipeRig([]);
    for (let index = 0; index < 1_000; index++) {
      rig.send(index, String.fromCharCode(97 + (index % 26)));
      if (index % 10 === 3) rig.add(index, { ...latency(30, 20), name: `l${index}` });
      if (index % 10 === 6) rig.add(index, { ...slicer(1, 0, 700), name: `s${index}` });
      if (index % 10 === 8) rig.update(index, { ...latency(5, 5), name: `l${index - 5}` });
      if (index % 20 === 19) rig.remove(index, `l${index - 6}`).remove(index, `s${index - 3}`);
    }
    rig.end(1_000).goTo(1e6);
    const alphabet = 'abcdefghijklmnopqrstuvwxyz';
    expect(rig.text).toBe(`${alphabet.repeat(39).slice(0, 1_000)}<FIN>`);
  });
});

describe('toxicity', () => {
  const hits = (rigs: readonly PipeRig[]) => rigs.filter((rig) => rig.send(0, 'a').log.length === 0).length;
  const rigs = (toxicity: number) =>
    Array.from({ length: 1_000 }, (_, seed) => new PipeRig([{ ...bandwidth(0), toxicity }], { seed }));

  it.each([
    { toxicity: 0, least: 0, most: 0 },
    { toxicity: 0.3, least: 250, most: 350 },
    { toxicity: 1, least: 1_000, most: 1_000 },
  ])('touches that share of connections: $toxicity', ({ toxicity, least, most }) => {
    const touched = hits(rigs(toxicity));
    expect(touched).toBeGreaterThanOrEqual(least);
    expect(touched).toBeLessThanOrEqual(most);
  });

  const half = { ...bandwidth(0), toxicity: 0.5 };
  const isTouched = (rig: PipeRig, atMs: number) => {
    const before = rig.text.length;
    return rig.send(atMs, 'a').text.length === before;
  };
  const changed = (act: (rig: PipeRig) => void) =>
    Array.from({ length: 200 }, (_, seed) => new PipeRig([half], { seed })).filter((rig) => {
      const before = isTouched(rig, 0);
      act(rig);
      return isTouched(rig, 1) !== before;
    }).length;

  it('is drawn once for a connection', () => {
    expect(changed(() => {})).toBe(0);
  });

  it.each([
    { title: 'it is updated, even to the same', act: (rig: PipeRig) => rig.update(0, half) },
    { title: 'another toxic is added after it', act: (rig: PipeRig) => rig.add(0, noop) },
  ])('is drawn again when $title', ({ act }) => {
    const times = changed(act);
    expect(times).toBeGreaterThan(60);
    expect(times).toBeLessThan(140);
  });
});

describe('back-pressure', () => {
  const KiB = 'x'.repeat(1_024);

  it('pauses the source while the destination does not take its data, and continues when it does', () => {
    const rig = new PipeRig([]).send(0, 'a');
    expect(rig.source.isPaused()).toBe(false);
    rig.destination.stall(256 * 1_024 + 1);
    expect(rig.send(1, 'b').source.isPaused()).toBe(true);
    rig.destination.take();
    expect(rig.source.isPaused()).toBe(false);
  });

  it.each([
    { toxic: bandwidth(0), heldKiB: 256 },
    { toxic: latency(1e6), heldKiB: 1_024 },
  ])('bounds what $toxic holds to $heldKiB KiB in pieces of 1 KiB', ({ toxic, heldKiB }) => {
    const rig = new PipeRig([toxic]);
    let sent = 0;
    while (!rig.source.isPaused()) {
      rig.send(0, KiB);
      sent++;
    }
    expect(sent).toBe(heldKiB + 1);
    rig.remove(1, toxic.type);
    expect(rig.source.isPaused()).toBe(false);
    expect(rig.text.length).toBe(sent * 1_024);
  });

  it('bounds the bytes that latency holds to 4 MiB', () => {
    const rig = new PipeRig([latency(1e6)]);
    let sent = 0;
    while (!rig.source.isPaused()) {
      rig.send(0, KiB.repeat(64));
      sent++;
    }
    expect(sent).toBe(65);
  });

  it('continues when a later toxic drops the data of an earlier one', () => {
    const rig = new PipeRig([latency(100), timeout(0)]);
    while (!rig.source.isPaused()) rig.send(0, KiB);
    expect(rig.goTo(100).source.isPaused()).toBe(false);
  });

  it('lets go of everything once the destination is gone', () => {
    const rig = new PipeRig([latency(100)]);
    while (!rig.source.isPaused()) rig.send(0, KiB);
    rig.destination.emit('close');
    expect(rig.source.isPaused()).toBe(false);
    expect(rig.goTo(1_000).log).toEqual([]);
  });
});
