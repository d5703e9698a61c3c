// SPDX-License-Identifier: Apache-2.0
// The default mail in HTML, byte for byte what upstream's default template gives: people have filters and
// screenshots of it. Mail programs drop style sheets, so every element carries its whole style.
// The look is that of Mailgun's transactional mail templates (© 2014 Mailgun, MIT licence).

const face = "font-family: 'Helvetica Neue', Helvetica, Arial, sans-serif; box-sizing: border-box;";
const text = `margin: 0; ${face} font-size: 14px;`;

/** An element's style: what all have, then its own. */
const style = (own = '', start = text): string =>
  ` style="${[start, own].filter((part) => part !== '').join(' ')}"`;

const spaces = (count: number): string => `\n${' '.repeat(count)}`;

const lineBreak = `<br${style()}>`;
const strong = (content: string): string => `<strong${style()}>${content}</strong>`;

/** A row of the inner table with one cell. */
const row = (content: string): string =>
  `${spaces(16)}<tr${style()}>${spaces(18)}<td class="content-block"` +
  `${style('vertical-align: top; padding: 0 0 20px;')} valign="top">` +
  `${spaces(20)}${content}${spaces(18)}</td>${spaces(16)}</tr>`;

/** `name = value` for each pair. */
const pairs = (what: string): string =>
  `{{ range .${what}.SortedPairs }}{{ .Name }} = {{ .Value }}${lineBreak}{{ end }}`;

const alertRow = row(
  [
    strong('Labels') + lineBreak,
    pairs('Labels'),
    `{{ if gt (len .Annotations) 0 }}${strong('Annotations')}${lineBreak}{{ end }}`,
    pairs('Annotations'),
    `<a href="{{ .GeneratorURL }}"${style('color: #348eda; text-decoration: underline;')}>Source</a>${lineBreak}`,
  ].join(spaces(20)),
);

const heading = (which: string): string =>
  row(strong(`[{{ .Alerts.${which} | len }}] ${which}`)) + spaces(16);

const alertRows = (which: string): string =>
  `${spaces(16)}{{ range .Alerts.${which} }}${alertRow}${spaces(16)}{{ end }}`;

/** Between the firing and the resolved ones. */
const rule = row([lineBreak, `<hr${style()}>`, lineBreak].join(spaces(20))) + spaces(18);

const sections =
  `${spaces(16)}{{ if gt (len .Alerts.Firing) 0 }}${heading('Firing')}{{ end }}${alertRows('Firing')}\n` +
  `${spaces(16)}{{ if gt (len .Alerts.Resolved) 0 }}${spaces(18)}` +
  `{{ if gt (len .Alerts.Firing) 0 }}${rule}{{ end }}${heading('Resolved')}{{ end }}${alertRows('Resolved')}`;

/** The coloured cell at the top. */
const banner = (kind: string, colour: string, after = ''): string =>
  `${spaces(12)}<td class="alert alert-${kind}"` +
  style(
    `vertical-align: top; font-size: 16px; color: #fff; font-weight: 500; padding: 20px; text-align: center; border-radius: 3px 3px 0 0; background-color: ${colour};`,
    `margin: 0; ${face}`,
  ) +
  ` valign="top" align="center" bgcolor="${colour}">${spaces(14)}` +
  '{{ .Alerts | len }} alert{{ if gt (len .Alerts) 1 }}s{{ end }} for {{ range .GroupLabels.SortedPairs }}' +
  `${spaces(16)}{{ .Name }}={{ .Value }}${after}${spaces(14)}{{ end }}${spaces(12)}</td>${spaces(12)}`;

const buttonStyle =
  'text-decoration: none; color: #FFF; background-color: #348eda; border: solid #348eda; ' +
  'border-width: 10px 20px; line-height: 2em; font-weight: bold; text-align: center; cursor: pointer; ' +
  'display: inline-block; border-radius: 5px; text-transform: capitalize;';

const button =
  `<a href="{{ template "__alertmanagerURL" . }}" class="btn-primary"${style(buttonStyle)}>` +
  'View in {{ template "__alertmanager" . }}</a>';

const smallTable = 'width="100%" cellpadding="0" cellspacing="0"';

const innerTable = `${spaces(14)}<table ${smallTable}${style()}>${row(button)}${sections}${spaces(14)}</table>`;

const mainTable =
  `${spaces(8)}<table class="main" ${smallTable}` +
  `${style('background-color: #fff; border: 1px solid #e9e9e9; border-radius: 3px;')} bgcolor="#fff">` +
  `${spaces(10)}<tr${style()}>${spaces(12)}` +
  `{{ if gt (len .Alerts.Firing) 0 }}${banner('warning', '#E6522C')}{{ else }}${banner('good', '#68B90F', ' ')}{{ end }}` +
  `${spaces(10)}</tr>${spaces(10)}<tr${style()}>${spaces(12)}<td class="content-wrap"` +
  `${style('vertical-align: top; padding: 30px;')} valign="top">${innerTable}` +
  `${spaces(12)}</td>${spaces(10)}</tr>${spaces(8)}</table>`;

const sentBy =
  `<a href="{{ .ExternalURL }}"` +
  `${style('text-decoration: underline; color: #999; font-size: 12px;', `margin: 0; ${face}`)}>` +
  'Sent by {{ template "__alertmanager" . }}</a>';

const footer =
  `\n${spaces(8)}<div class="footer"${style('width: 100%; clear: both; color: #999; padding: 20px;')}>` +
  `${spaces(10)}<table width="100%"${style()}>${spaces(12)}<tr${style()}>` +
  `${spaces(14)}<td class="aligncenter content-block"` +
  style(
    'vertical-align: top; padding: 0 0 20px; text-align: center; color: #999; font-size: 12px;',
    `margin: 0; ${face}`,
  ) +
  ` valign="top" align="center">${sentBy}</td>` +
  `${spaces(12)}</tr>${spaces(10)}</table>${spaces(8)}</div></div>`;

const emptyCell = `${spaces(4)}<td${style('vertical-align: top;')} valign="top"></td>`;

const containerStyle =
  'vertical-align: top; display: block; max-width: 600px; margin: 0 auto; clear: both;';

const body =
  `<body itemscope itemtype="http://schema.org/EmailMessage"` +
  style(
    '-webkit-font-smoothing: antialiased; -webkit-text-size-adjust: none; height: 100%; line-height: 1.6em; background-color: #f6f6f6; width: 100%;',
  ) +
  `>\n\n<table class="body-wrap"${style('background-color: #f6f6f6; width: 100%;')} width="100%" bgcolor="#f6f6f6">` +
  `${spaces(2)}<tr${style()}>${emptyCell}${spaces(4)}<td class="container" width="600"` +
  `${style(containerStyle, `${face} font-size: 14px;`)} valign="top">` +
  `${spaces(6)}<div class="content"` +
  `${style('max-width: 600px; margin: 0 auto; display: block; padding: 20px;', `${face} font-size: 14px;`)}>` +
  `${mainTable}${footer}${spaces(4)}</td>${emptyCell}${spaces(2)}</tr>\n</table>\n\n</body>`;

/** Rules for narrow screens, `selector: declarations`. */
const narrow: readonly (readonly [string, readonly string[]])[] = [
  ['body', ['padding: 0']],
  ['h1,\nh2,\nh3,\nh4', ['font-weight: 800', 'margin: 20px 0 5px']],
  ['h1', ['font-size: 22px']],
  ['h2', ['font-size: 18px']],
  ['h3', ['font-size: 16px']],
  ['.container', ['padding: 0', 'width: 100%']],
  ['.content', ['padding: 0']],
  ['.content-wrap', ['padding: 10px']],
  ['.invoice', ['width: 100%']],
];

const styleSheet = narrow
  .map(
    ([selector, declarations]) =>
      `  ${selector} {\n${declarations.map((each) => `    ${each} !important;\n`).join('')}  }`,
  )
  .join('\n\n');

const doctype =
  '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">';

/** `email.default.html`. */
export const mailTemplate: string =
  `\n\n${doctype}\n<html xmlns="http://www.w3.org/1999/xhtml"${style()}>\n<head>\n` +
  '<meta name="viewport" content="width=device-width">\n' +
  '<meta http-equiv="Content-Type" content="text/html; charset=UTF-8">\n' +
  '<title>{{ template "__subject" . }}</title>\n' +
  `<style>\n@media only screen and (max-width: 640px) {\n${styleSheet}\n}\n</style>\n</head>\n\n` +
  `${body}\n</html>\n\n`;
