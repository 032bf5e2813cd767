// The reader of soak.py for Node: node reader.cjs <published file> <stop file> <checks as JSON>
const fs = require('fs');
const { DuckDBInstance } = require('@duckdb/node-api');

const [database, stop, checks] = process.argv.slice(2);
const seen = new Map();
const faults = [];
let queries = 0;

async function read() {
  const instance = await DuckDBInstance.create(database, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  try {
    const answers = [];
    for (const sql of JSON.parse(checks)) {
      const result = await connection.runAndReadAll(sql.replace('{marts}', 'marts.'));
      answers.push(result.getRows()[0].map(String));
      queries += 1;
    }
    const [[buildId], ...sums] = answers;
    if (new Set(sums.map(String)).size !== 1) faults.push(`tables of two versions: ${answers}`);
    const key = JSON.stringify([buildId, ...sums[0].map(Number)]);
    seen.set(key, (seen.get(key) ?? 0) + 1);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

(async () => {
  while (!fs.existsSync(stop)) {
    await read().catch((failure) => faults.push(String(failure)));
  }
  const versions = [...seen].map(([key, times]) => [...JSON.parse(key), times]);
  console.log(JSON.stringify({ queries, faults, seen: versions }));
})();
