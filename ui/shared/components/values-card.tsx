// SPDX-License-Identifier: Apache-2.0

import type { ReactNode } from 'react';

/** A card with a name and a value in each row; a dash where the value is empty. */
export function ValuesCard({
  title,
  rows,
}: {
  readonly title: string;
  readonly rows: readonly (readonly [string, string])[];
}): ReactNode {
  return (
    <section className="card status-card">
      <h2>{title}</h2>
      <div className="table-scroll">
        <table className="plain">
          <tbody>
            {rows.map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td className="mono">{value === '' ? <span className="dim">–</span> : value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
