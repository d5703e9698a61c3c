// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { chooseFormat } from './content-type.ts';
import { formatOpenMetricsFloat } from './float-text.ts';

test('known types choose their parser', () => {
  expect(chooseFormat('text/plain; version=0.0.4; charset=utf-8', undefined)).toEqual({
    format: 'text',
    message: '',
  });
  expect(chooseFormat('Text/Plain', undefined).format).toBe('text');
  expect(
    chooseFormat('application/openmetrics-text; version=1.0.0; escaping=allow-utf-8', undefined)
      .format,
  ).toBe('openmetrics');
});

test('blank, broken and foreign types fail without a fallback', () => {
  expect(chooseFormat('', undefined)).toEqual({
    format: undefined,
    message:
      'non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target',
  });
  expect(chooseFormat('text/html', undefined).message).toBe(
    'received unsupported Content-Type "text/html" and no fallback_scrape_protocol specified for target',
  );
  expect(chooseFormat('text/', undefined).message).toBe(
    'cannot parse Content-Type "text/" and no fallback_scrape_protocol for target\nmime: expected token after slash',
  );
  expect(chooseFormat('text/plain; a', undefined).message).toMatch(
    /\nmime: invalid media parameter$/,
  );
});

test('the fallback is taken and said', () => {
  expect(chooseFormat('', 'text/plain')).toEqual({
    format: 'text',
    message:
      'non-compliant scrape target sending blank Content-Type, using fallback_scrape_protocol "text/plain"',
  });
  expect(chooseFormat('text/html', 'application/openmetrics-text')).toEqual({
    format: 'openmetrics',
    message:
      'received unsupported Content-Type "text/html", using fallback_scrape_protocol "application/openmetrics-text"',
  });
});

test('protobuf is a format of its own', () => {
  const type =
    'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';
  expect(chooseFormat(type, undefined)).toEqual({ format: 'protobuf', message: '' });
});

const canonical = (value: number, text: string): void =>
  test(`${value} is written ${text}`, () => expect(formatOpenMetricsFloat(value)).toBe(text));
canonical(1, '1.0');
canonical(0, '0.0');
canonical(-1, '-1.0');
canonical(0.25, '0.25');
canonical(100000, '100000.0');
canonical(1e6, '1e+06');
canonical(2097152, '2.097152e+06');
canonical(123456789, '1.23456789e+08');
canonical(1e21, '1e+21');
canonical(0.0001, '0.0001');
canonical(0.00001, '1e-05');
canonical(0.0007899999999999999, '0.0007899999999999999');
canonical(1.5e300, '1.5e+300');
canonical(Infinity, '+Inf');
canonical(-Infinity, '-Inf');
canonical(Number.NaN, 'NaN');
