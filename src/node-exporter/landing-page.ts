// SPDX-License-Identifier: Apache-2.0

/** The page at `/`: what this is and where the metrics are. Both arguments come from flags and build. */
export function landingPage(version: string, telemetryPath: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Node Exporter</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 40rem; padding: 2rem 1rem; }
h1 { margin-bottom: 0; }
</style>
</head>
<body>
<h1>Node Exporter</h1>
<p>Prometheus Node Exporter</p>
<p>Version: ${version}</p>
<ul><li><a href="${telemetryPath}">Metrics</a></li></ul>
<p>Profiles in pprof's format:
<a href="debug/pprof/heap">memory</a>,
<a href="debug/pprof/profile?seconds=60">CPU for 60 seconds</a>,
<a href="debug/pprof/">all</a>.</p>
</body>
</html>
`;
}
