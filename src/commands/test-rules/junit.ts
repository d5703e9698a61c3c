// SPDX-License-Identifier: Apache-2.0
// What rule tests found, as JUnit XML: the form that build servers read.

/** One group of tests. */
export interface TestCase {
  readonly name: string;
  /** None: it passed. */
  readonly failures: readonly string[];
}

/** One file of tests. */
export interface TestSuite {
  readonly name: string;
  readonly cases: readonly TestCase[];
  /** Why the file could not be tested (to its end); none: it could. */
  readonly errors: readonly string[];
}

// Characters that XML 1.0 does not allow, even escaped; lone surrogates are among them.
const forbidden = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

const escapes: Readonly<Record<string, string>> = {
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
};

/** As Go's `encoding/xml` writes text. */
const escaped = (text: string): string =>
  text.replace(forbidden, '\ufffd').replace(/["'&<>\t\n\r]/g, (char) => escapes[char] ?? char);

function caseXml({ name, failures }: TestCase, errors: readonly string[]): string {
  const failed = failures.map((failure) => `<failure>${escaped(failure)}</failure>`).join('');
  const broke = errors.length > 0 ? `<error>${escaped(errors.join('\n'))}</error>` : '';
  return `<testcase name="${escaped(name)}">${failed}${broke}</testcase>`;
}

/** An error needs a case to stand in: the last one, or one named `unknown`. */
function suiteXml({ name, cases, errors }: TestSuite): string {
  const shown =
    cases.length === 0 && errors.length > 0 ? [{ name: 'unknown', failures: [] }] : cases;
  const failures = shown.reduce((sum, each) => sum + each.failures.length, 0);
  const counts = `tests="${shown.length}" failures="${failures}" errors="${errors.length > 0 ? 1 : 0}"`;
  const inner = shown.map((each, i) => caseXml(each, i === shown.length - 1 ? errors : []));
  return `<testsuite name="${escaped(name)}" ${counts} skipped="0" timestamp="">${inner.join('')}</testsuite>`;
}

/** Suites as one document, with upstream's elements and attributes; no time is told, as there. */
export const junitXml = (suites: readonly TestSuite[]): string =>
  `<testsuites>${suites.map(suiteXml).join('')}</testsuites>`;
