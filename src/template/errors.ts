// SPDX-License-Identifier: Apache-2.0

/** A template that cannot be parsed or executed. The message is Go's: "template: NAME:LINE: …". */
export class TemplateError extends Error {
  override name = 'TemplateError';
}
