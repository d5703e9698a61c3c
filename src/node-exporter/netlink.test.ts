// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import type { SystemCalls } from '../base/index.ts';
import { SystemCallError } from '../base/index.ts';
import { decimalModulo53 } from './collectors/mountstats.ts';
import { parseCpuList } from './collectors/cpu-list.ts';
import { parseBcacheSize } from './collectors/bcache.ts';
import { openWifi } from './collectors/wifi-netlink.ts';
import { addressText, attribute, attributes, netlinkRequest, textOf, viewOf } from './netlink.ts';
import { parseSysctlWish } from './sysctl-wish.ts';
import { decimal, fields, hexadecimal } from './text.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

test('addresses as people write them', () => {
  const six = (text: string): string => {
    const groups = text.split(' ').map((group) => Number(`0x${group}`));
    return addressText(viewOf(bytes(...groups.flatMap((group) => [group >> 8, group & 255]))));
  };
  expect(addressText(viewOf(bytes(192, 0, 2, 1)))).toBe('192.0.2.1');
  expect(six('2001 db8 0 0 0 0 0 1')).toBe('2001:db8::1');
  expect(six('0 0 0 0 0 0 0 0')).toBe('::');
  expect(six('fe80 0 0 1 0 0 0 2')).toBe('fe80:0:0:1::2');
  expect(six('1 0 2 0 3 0 4 5')).toBe('1:0:2:0:3:0:4:5');
  expect(addressText(undefined)).toBe('');
});

test('attributes, padded and cut short', () => {
  const both = bytes(...attribute(3, bytes(108, 111, 0)), ...attribute(5, bytes(7)));
  const found = attributes(viewOf(both), 0);
  expect(textOf(found.get(3))).toBe('lo');
  expect(found.get(5)?.getUint8(0)).toBe(7);
  expect(attributes(viewOf(both.subarray(0, 11)), 0).size).toBe(1);
  expect(attributes(viewOf(bytes(0, 0, 0, 0)), 0).size).toBe(0);
});

/** A kernel with one wireless station; requests are told apart by family and command. */
function fakeCalls(hasFamily: boolean): SystemCalls {
  const refuse = (): never => {
    throw new SystemCallError('test', 1);
  };
  const word = (value: number): Uint8Array =>
    bytes(value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24);
  const answer = (...parts: Uint8Array[]): Uint8Array[] => [
    netlinkRequest(30, bytes(0, 1, 0, 0, ...parts.flatMap((part) => [...part])), false),
  ];
  const rate = attribute(1, bytes(0x10, 0x02));
  return {
    adjustTime: refuse,
    interfaceIoctl: refuse,
    directoryIoctl: refuse,
    perfOpen: refuse,
    read: refuse,
    netlink: (_, request) => {
      const [type, command] = [request[4], request[16]];
      if (type === 16) {
        if (!hasFamily) throw new SystemCallError('netlink', 2);
        return answer(attribute(1, bytes(30, 0)));
      }
      if (command === 5)
        return answer(
          attribute(3, word(4)),
          attribute(4, new TextEncoder().encode('wlan0\0')),
          attribute(5, word(2)),
          attribute(38, word(2412)),
        );
      if (command === 32)
        return answer(
          attribute(
            47,
            bytes(
              ...attribute(1, bytes(0, 17, 34, 51, 68, 85)),
              ...attribute(6, bytes(1, 1, 9, 0, 4, 72, 111, 109, 101)),
              ...attribute(9, word(1)),
            ),
          ),
        );
      return answer(
        attribute(6, bytes(1, 2, 3, 4, 5, 6)),
        attribute(
          21,
          bytes(
            ...attribute(1, word(800)),
            ...attribute(7, bytes(0xcc)),
            ...attribute(8, rate),
            ...attribute(16, word(60)),
            ...attribute(23, bytes(0, 0, 0, 0, 1, 0, 0, 0)),
          ),
        ),
      );
    },
  };
}

test('wireless devices, network and stations from nl80211', () => {
  const wifi = openWifi(fakeCalls(true));
  expect(wifi.interfaces()).toEqual([{ index: 4, name: 'wlan0', type: 2, frequency: 2412 }]);
  expect(wifi.network(4)).toEqual({ bssid: '00:11:22:33:44:55', ssid: 'Home' });
  expect(wifi.stations(4)).toEqual([
    expect.objectContaining({
      address: '01:02:03:04:05:06',
      inactiveSeconds: 0.8,
      signal: -52,
      transmitBits: 528 * 100_000,
      connectedSeconds: 60,
      receiveBytes: 2 ** 32,
      beaconLoss: 0,
    }),
  ]);
  expect(() => openWifi(fakeCalls(false))).toThrow('no wireless devices');
});

test('numbers as the kernel writes them, and what is none', () => {
  expect(decimal('-12.5', 'x')).toBe(-12.5);
  for (const text of ['', ' ', '1 ', '0x1f', 'NaN', 'Infinity', '1e999', '12kB'])
    expect(() => decimal(text, 'a file'), text).toThrow('in a file');
  expect(hexadecimal('0xffffffffffffffff', 'x')).toBe(2 ** 64);
  for (const text of ['', '0x', 'g', '-1']) expect(() => hexadecimal(text, 'x')).toThrow();
  expect(fields('\t a  b\r\n')).toEqual(['a', 'b']);
  expect(decimalModulo53('18446743919241604546', 'x')).toBe(9007044786793922);
  expect(parseBcacheSize('20.4G', 'x')).toBe(21894266880);
  expect(parseBcacheSize('-1.5k', 'x')).toBe(-1524);
  expect(parseCpuList('0-2,8,10-20:5')).toEqual([0, 1, 2, 8, 10, 15, 20]);
  expect(() => parseCpuList('0-99999999')).toThrow();
});

test('sysctl wishes', () => {
  expect(parseSysctlWish('fs.file-nr:total,,max', false)).toEqual({
    name: 'fs.file-nr',
    keys: ['total', '', 'max'],
    isText: false,
  });
  for (const text of ['', ':a', 'a:', 'a:b:c'])
    expect(() => parseSysctlWish(text, false), text).toThrow('invalid sysctl');
});
